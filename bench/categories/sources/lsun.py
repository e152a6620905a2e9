"""Images in an LMDB database as LSUN publishes them: keys are names, values are image files."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from bench.base.errors import ImageError, UsageError
from bench.base.files import file_stamp
from bench.base.source import Source
from bench.base.types import Pixels
from bench.categories.sources.lmdb_file import Damaged, Database, is_database
from bench.images.decode import read_image

_COUNTS = {"length", "__len__", "__keys__", "num-samples"}
"""Keys under which other programs keep how many images there are."""


def find_database(path: Path) -> Path | None:
    """Return the LMDB database that a path means, itself or the only thing inside; None when it is none."""
    if path.is_file():
        return path if is_database(path) else None
    if (path / "data.mdb").is_file():
        return path
    entries = list(islice(path.iterdir(), 2)) if path.is_dir() else []
    is_one = len(entries) == 1 and ((entries[0] / "data.mdb").is_file() or entries[0].suffix in (".lmdb", ".mdb"))
    return find_database(entries[0]) if is_one else None


@dataclass(frozen=True)
class LsunSource(Source):
    """Image values, named by their key, in the order of the keys; keys that only count are left out.

    Args:
        path: the folder that holds `data.mdb`, or the file of a database without a folder.
    """

    path: Path

    def names(self) -> Sequence[str]:
        """Return the keys; see `Source.names`."""
        if not self._names:
            raise UsageError(f"no image in {self.path}", got="an empty LMDB database")
        return self._names

    def read(self, name: str) -> Pixels:
        """Read one image; see `Source.read`."""
        with self._opened() as database:
            value = database.get(name.encode("utf-8", "surrogateescape"))
        if value is None:
            raise ImageError(f"no image {name} in {self.path}")
        return read_image(io.BytesIO(value), f"{self.path}:{name}")

    def stamp(self, name: str) -> str:
        """Return the database's size and time; see `Source.stamp`."""
        return file_stamp(self._file)

    def content(self, name: str) -> str:
        """Return the digest of its value; see `Source.content`."""
        with self._opened() as database:
            return hashlib.sha256(database.get(name.encode("utf-8", "surrogateescape")) or b"").hexdigest()

    def origin(self) -> str:
        """Return the database's path."""
        return str(self.path.resolve())

    @cached_property
    def _names(self) -> list[str]:
        with self._opened() as database:
            keys = [key.decode("utf-8", "surrogateescape") for key in database.keys()]  # noqa: SIM118
        return [key for key in keys if key not in _COUNTS]

    @property
    def _file(self) -> Path:
        return self.path / "data.mdb" if self.path.is_dir() else self.path

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        try:
            with Database(self._file) as database:
                yield database
        except (Damaged, OSError) as error:
            raise UsageError(f"{self.path} is not a usable LMDB database: {error}") from error
