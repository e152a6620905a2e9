"""Images in a folder and its subfolders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from bench.assets import Asset
from bench.contracts import Pixels
from bench.images import read_image
from bench.sources import by_stem, file_stamp


@dataclass(frozen=True)
class FolderSource:
    """Image files, named by their stem, in natural order.

    Args:
        path: the folder.
    """

    path: Path

    def names(self) -> Sequence[str]:
        """Return the stems; see `bench.sources.Source.names`."""
        return list(self._files)

    def read(self, name: str) -> Pixels:
        """Read one image; see `bench.sources.Source.read`."""
        path = self.path / self._files[name]
        return read_image(path, str(path))

    def assets(self) -> Sequence[Asset]:
        """Return nothing."""
        return ()

    def stamp(self, name: str) -> str:
        """Return its size and time; see `bench.sources.Source.stamp`."""
        return file_stamp(self.path / self._files[name])

    @cached_property
    def _files(self) -> Mapping[str, PurePath]:
        files = (path.relative_to(self.path) for path in self.path.rglob("*") if path.is_file())
        return by_stem(files, self.path)
