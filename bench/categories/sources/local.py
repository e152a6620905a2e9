"""Images on this disk: where a person has put them by a card's instructions, or at a path that a person names."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.assets.declare import home
from bench.base.errors import Unavailable, UsageError
from bench.base.files import expand_path
from bench.base.signatures import kind_of_file, with_article
from bench.base.source import Source
from bench.base.types import Pixels
from bench.categories.sources.archive import ArchiveSource
from bench.categories.sources.folder import FolderSource
from bench.categories.sources.lsun import LsunSource, find_database


@dataclass(frozen=True)
class LocalSource(Source):
    """A folder, .zip archive or LSUN database, looked for only when its images are asked for.

    Args:
        category: its name; its data lie at `datasets/NAME` or `datasets/NAME.zip` of the cache folder.
        how_to_get: what a person must do when they are not there.
        folder: where the card lies.
        path: where the data lie instead, from the card's folder.
    """

    name = "local"

    category: str
    how_to_get: str
    folder: Path
    path: str | None = None

    def names(self) -> Sequence[str]:
        """Return the image names; see `Source.names`."""
        return self._source.names()

    def read(self, name: str) -> Pixels:
        """Read one image; see `Source.read`."""
        return self._source.read(name)

    def remarks(self) -> Sequence[str]:
        """Return its source's own; see `Source.remarks`."""
        return self._source.remarks()

    def stamp(self, name: str) -> str:
        """Return its source's own; see `Source.stamp`."""
        return self._source.stamp(name)

    def content(self, name: str) -> str:
        """Return its source's own; see `Source.content`."""
        return self._source.content(name)

    def origin(self) -> str:
        """Return its source's own."""
        return self._source.origin()

    @cached_property
    def _source(self) -> Source:
        if self.path is not None:
            return open_path(self.folder / expand_path(self.path, f"category {self.category}"))
        place = home() / "datasets" / self.category
        for path in (place, place.with_name(f"{self.category}.zip")):
            if path.exists():
                return open_path(path)
        remedy = f"{self.how_to_get.rstrip('.')}; then put it there, or point at it with {self.category}=PATH"
        raise Unavailable(f"no data of category {self.category} at {place}", remedy=remedy)


def open_path(path: Path) -> Source:
    """Return the source for a user's folder, .zip archive or LMDB database (LSUN's).

    Raises:
        UsageError: when it is none of them.
    """
    try:
        if database := find_database(path):
            return LsunSource(database)
        if path.is_dir():
            return FolderSource(path)
        is_file = path.exists()
    except OSError as error:
        raise UsageError(f"no images at {path}", got=error.strerror) from error
    kind = kind_of_file(path) if is_file else ""
    if is_file and (path.suffix.lower() == ".zip" or kind == "zip archive"):
        return ArchiveSource(path)
    got = with_article(kind) if is_file else "nothing there"
    raise UsageError(f"no images at {path}", got=got, expected="a folder, a .zip archive or an LSUN database")
