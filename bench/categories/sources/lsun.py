"""Images in an LMDB database as LSUN publishes them: keys are names, values are image files."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.base.errors import ImageError, UsageError
from bench.base.files import file_stamp
from bench.base.source import Source
from bench.base.types import Pixels
from bench.categories.sources.lmdb_file import Damaged, Database
from bench.images.decode import read_image


@dataclass(frozen=True)
class LsunSource(Source):
    """Image values, named by their key, in the order of the keys.

    Args:
        path: the folder that holds `data.mdb`.
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
        return file_stamp(self.path / "data.mdb")

    @cached_property
    def _names(self) -> list[str]:
        with self._opened() as database:
            return [key.decode("utf-8", "surrogateescape") for key in database.keys()]  # noqa: SIM118

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        try:
            with Database(self.path / "data.mdb") as database:
                yield database
        except (Damaged, OSError) as error:
            raise UsageError(f"{self.path} is not a usable LMDB database: {error}") from error
