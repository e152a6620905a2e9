"""The results of a run: one SQLite database, one writer, many readers.

A rollback journal (it works on network file systems, where WAL does not), a lock file that says who writes, and
small integer keys. A cell is written after its PNG, so what the database calls done is on the disk.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from importlib import resources
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from bench.base.errors import RunLocked, RunMismatch, StoreError
from bench.store.layout import OWN, RunLayout
from bench.store.queries import Reader, naming_damage
from bench.store.writer import Writer

SCHEMA_VERSION = "5"
PATIENCE = 600
"""Seconds for which a writer waits until all others have read, and a reader until it may."""


def is_begun(path: Path) -> bool:
    """Say whether a run's database is there; a writer that was stopped at once leaves an empty file."""
    return path.exists() and bool(path.stat().st_size)


def connect_read_only(path: Path) -> Reader:
    """Open a run's database for reading.

    Raises:
        StoreError: when it is missing or not a database of this suite.
    """
    if not path.is_file():
        raise StoreError(f"{path.parent} is not a run folder", remedy="`bench run` makes one")
    _roll_back(path)
    reader = Reader(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", PATIENCE, uri=True), path)
    version = reader.constants().get("schema", "none")
    if version != SCHEMA_VERSION:
        what = f"{path} was made by another version"
        remedy = "use the version that made it, or run into another folder with --out"
        raise RunMismatch(what, got=f"schema {version}", expected=f"schema {SCHEMA_VERSION}", remedy=remedy)
    return reader


def refuse_foreign_folder(layout: RunLayout) -> None:
    """Refuse a folder that holds other things than a run, and what is no folder.

    Raises:
        StoreError: naming some of them.
    """
    if layout.root.exists() and not layout.root.is_dir():
        raise StoreError(f"{layout.root} is no folder", remedy="choose another one with --out")
    if layout.database.exists() or not layout.root.is_dir():
        return
    if foreign := sorted({path.name for path in layout.root.iterdir()} - OWN):
        got = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        remedy = "choose a new folder with --out"
        raise StoreError(f"{layout.root} is no run folder", got=got, expected="a run, or nothing", remedy=remedy)


def _roll_back(path: Path) -> None:
    """Let SQLite undo what a killed writer had half written: a read-only connection may not."""
    if path.with_name(f"{path.name}-journal").exists():
        with suppress(StoreError), closing(Reader(sqlite3.connect(path), path)) as reader:
            reader.has_tables()


class Store(Writer):
    """The writing side of a run folder; a context manager that opens it and holds the folder's lock."""

    def __init__(self, root: Path) -> None:
        self.layout = RunLayout(root)
        self.path = self.layout.database
        self._lock = FileLock(self.layout.lock)

    def __enter__(self) -> Self:
        self._take_lock()
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.connection.close()
        self._lock.release()

    def _take_lock(self) -> None:
        try:
            refuse_foreign_folder(self.layout)
            self.layout.root.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            what = f"{self.layout.root} is in use by another process"
            raise RunLocked(what, remedy="wait for it, or choose another folder with --out") from error
        except OSError as error:
            what = f"{self.layout.root} cannot be written: {error.strerror or error}"
            raise StoreError(what, remedy="choose another folder with --out") from error

    def _open(self) -> None:
        if is_begun(self.path):
            connect_read_only(self.path).close()
        with naming_damage(self.path):
            super().__init__(sqlite3.connect(self.path, PATIENCE, isolation_level="IMMEDIATE"), self.path)
            if not self.has_tables():
                schema = resources.files("bench.store").joinpath("schema.sql").read_text(encoding="utf-8")
                self.create_tables(schema, SCHEMA_VERSION)

    def hold_constants(self, constants: Mapping[str, str]) -> None:
        """Write the constants of a new run, or refuse a command whose constants are others.

        Raises:
            RunMismatch: naming the first constant that differs.
        """
        self.check_constants(constants)
        written = self.constants()
        with self.transaction():
            self.add_constants({name: value for name, value in constants.items() if name not in written})
