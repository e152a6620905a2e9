"""Images in a folder and its subfolders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from bench.base.files import file_stamp
from bench.base.source import Source
from bench.base.types import Pixels
from bench.images.decode import read_image
from bench.images.listing import by_filename


@dataclass(frozen=True)
class FolderSource(Source):
    """Image files, named by their filename without suffix, in natural order.

    Args:
        path: the folder.
    """

    path: Path

    def names(self) -> Sequence[str]:
        """Return the filenames; see `Source.names`."""
        return list(self._files)

    def read(self, name: str) -> Pixels:
        """Read one image; see `Source.read`."""
        path = self.path / self._files[name]
        return read_image(path, str(path))

    def stamp(self, name: str) -> str:
        """Return its size and time; see `Source.stamp`."""
        return file_stamp(self.path / self._files[name])

    @cached_property
    def _files(self) -> Mapping[str, PurePath]:
        files = (path.relative_to(self.path) for path in self.path.rglob("*") if path.is_file())
        return by_filename(files, self.path)
