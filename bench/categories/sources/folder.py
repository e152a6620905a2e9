"""Images in a folder and its subfolders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from bench.assets.declare import Asset
from bench.base.types import Pixels
from bench.categories.sources import by_stem, file_stamp
from bench.images.decode import read_image


@dataclass(frozen=True)
class FolderSource:
    """Image files, named by their stem, in natural order.

    Args:
        path: the folder.
    """

    path: Path

    def names(self) -> Sequence[str]:
        """Return the stems; see `bench.categories.sources.Source.names`."""
        return list(self._files)

    def read(self, name: str) -> Pixels:
        """Read one image; see `bench.categories.sources.Source.read`."""
        path = self.path / self._files[name]
        return read_image(path, str(path))

    def assets(self) -> Sequence[Asset]:
        """Return nothing."""
        return ()

    def stamp(self, name: str) -> str:
        """Return its size and time; see `bench.categories.sources.Source.stamp`."""
        return file_stamp(self.path / self._files[name])

    @cached_property
    def _files(self) -> Mapping[str, PurePath]:
        files = (path.relative_to(self.path) for path in self.path.rglob("*") if path.is_file())
        return by_stem(files, self.path)
