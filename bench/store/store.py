"""The results of a run: one SQLite database, one writer, many readers.

A rollback journal (it works on network file systems, where WAL does not), a lock file that says who writes, and
small integer keys. A cell is written after its PNG, so what the database calls done is on the disk.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple

from filelock import FileLock, Timeout

from bench.base.errors import RunLocked, RunMismatch, StoreError
from bench.base.metric import Better
from bench.store.layout import RunLayout

SCHEMA_VERSION = "1"
FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")


class Status(StrEnum):
    """How a cell ended."""

    DONE = "done"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    SKIPPED = "skipped"

    @classmethod
    def failed(cls) -> set[Status]:
        """What `--redo failed` does again."""
        return {cls.ERROR, cls.TIMEOUT, cls.OUT_OF_MEMORY}


Redo = Literal["failed", "all"]
"""What to compute again although it is there."""


class Score(NamedTuple):
    """One value of one cell, or why there is none."""

    cell: int
    metric: int
    value: float | None
    reason: str | None = None


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a run's database for reading.

    Raises:
        StoreError: when it is missing or not a database of this suite.
    """
    if not path.is_file():
        raise StoreError(f"{path.parent} is not a run folder", remedy="`bench run` makes one")
    _finish_undoing(path)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    with damage_named(path):
        found = connection.execute("SELECT value FROM constants WHERE name = 'schema'").fetchone()
    if found is None or found[0] != SCHEMA_VERSION:
        raise RunMismatch(
            f"{path} was made by another version",
            got=f"schema {found[0] if found else 'none'}",
            expected=f"schema {SCHEMA_VERSION}",
            remedy="use the version that made it, or run into another folder with --out",
        )
    return connection


def _finish_undoing(path: Path) -> None:
    """Let SQLite undo what a killed writer had half written: a read-only connection may not."""
    if path.with_name(f"{path.name}-journal").exists():
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one sentence that names the file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        remedy = "restore a copy, or run into another folder with --out"
        if getattr(error, "sqlite_errorname", "").startswith(FULL):
            remedy = "nothing that was finished is lost; make room and give the same command again"
        raise StoreError(f"{path} cannot be used: {error}", remedy=remedy) from error


class Store:
    """The writing side of a run folder; a context manager that holds the folder's lock."""

    def __init__(self, root: Path) -> None:
        self.layout = RunLayout(root)
        self._lock = FileLock(self.layout.lock)

    def __enter__(self) -> Store:
        self._take_lock()
        try:
            self.connection = self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.connection.close()
        self._lock.release()

    def _take_lock(self) -> None:
        try:
            self.layout.root.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise RunLocked(
                f"{self.layout.root} is in use by another process",
                remedy="wait for it, or choose another folder with --out",
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self.layout.root} cannot be written: {error.strerror or error}",
                remedy="choose another folder with --out",
            ) from error

    def _open(self) -> sqlite3.Connection:
        path = self.layout.database
        if path.exists() and path.stat().st_size:  # a writer that was stopped at once leaves an empty file
            connect_read_only(path).close()
        with damage_named(path):
            connection = sqlite3.connect(path, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                schema = resources.files("bench.store").joinpath("schema.sql").read_text(encoding="utf-8")
                stamp = f"INSERT INTO constants VALUES ('schema', '{SCHEMA_VERSION}');"
                connection.executescript(f"BEGIN;\n{schema}\n{stamp}\nCOMMIT;")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside at once, or nothing."""
        with damage_named(self.layout.database):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:  # a full disk has ended it already
                    self.connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Run a query and return its rows."""
        with damage_named(self.layout.database):
            return self.connection.execute(query, values).fetchall()

    def hold_constants(self, constants: Mapping[str, str]) -> None:
        """Write the constants of a new run, or refuse a command whose constants are others.

        Raises:
            RunMismatch: naming the first constant that differs.
        """
        written = {row["name"]: row["value"] for row in self.rows("SELECT * FROM constants")}
        for name, value in constants.items():
            if name in written and written[name] != value:
                raise RunMismatch(
                    f"{self.layout.root} was made with another {name}",
                    got=value,
                    expected=written[name],
                    remedy="run into another folder with --out, or give the value it was made with",
                )
        new = [(name, value) for name, value in constants.items() if name not in written]
        if new:
            with self.transaction():
                self.connection.executemany("INSERT INTO constants VALUES (?, ?)", new)

    def upsert(self, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Insert or update the row with a key and return its id; an equal row is not written again."""
        where = " AND ".join(f"{name} IS ?" for name in key)
        found = self.rows(f"SELECT * FROM {table} WHERE {where}", *key.values())
        if not found:
            record = {**key, **values}
            marks = ", ".join("?" * len(record))
            cursor = self.connection.execute(
                f"INSERT INTO {table} ({', '.join(record)}) VALUES ({marks})", list(record.values())
            )
            return int(cursor.lastrowid or 0)
        if any(found[0][name] != value for name, value in values.items()):
            changes = ", ".join(f"{name} = ?" for name in values)
            self.connection.execute(
                f"UPDATE {table} SET {changes} WHERE id = ?", [*values.values(), found[0]["id"]]
            )
        return int(found[0]["id"])

    def metric(self, name: str, signature: str, better: Better, scope: str, unit: str) -> int:
        """Return the id of a metric; another signature is another metric."""
        key = {"name": name, "signature": signature}
        return self.upsert("metrics", key, {"better": better.value, "scope": scope, "unit": unit})

    def insert_scores(self, scores: Iterable[Score]) -> None:
        """Write values, replacing those of the same cell and metric; inside a transaction."""
        self.connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)", list(scores))

    def record_command(self, record: Mapping[str, Any]) -> None:
        """Remember a command and where it ran; the same one again is not written again."""
        text = json.dumps(record, sort_keys=True)
        if not self.rows("SELECT 1 FROM commands WHERE record = ?", text):
            with self.transaction():
                self.connection.execute("INSERT INTO commands (record) VALUES (?)", [text])
