"""Images in a folder and its subfolders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from bench.base.errors import UsageError
from bench.base.files import file_digest, file_stamp
from bench.base.source import Source
from bench.base.types import Pixels
from bench.images.decode import read_image
from bench.images.listing import Listing, list_folder


@dataclass(frozen=True)
class FolderSource(Source):
    """Image files, named as `bench.images.listing` says, in natural order.

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

    def remarks(self) -> Sequence[str]:
        """Say what was left out; see `Source.remarks`."""
        return self._listing.remarks

    @cached_property
    def _listing(self) -> Listing:
        try:
            return list_folder(self.path)
        except OSError as error:
            raise UsageError(f"folder {self.path} cannot be read", got=error.strerror) from error

    def content(self, name: str) -> str:
        """Return the digest of its file; see `Source.content`."""
        path = self.path / self._files[name]
        return file_digest(path) if path.is_file() else ""

    def origin(self) -> str:
        """Return the folder's path."""
        return str(self.path.resolve())

    @cached_property
    def _files(self) -> Mapping[str, PurePath]:
        return self._listing.by_name()
