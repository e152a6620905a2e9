"""What SQLite raises, as one sentence that a person can act on."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.base.errors import StoreError

_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one sentence that names the file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        remedy = "restore a copy, or run into another folder with --out"
        if getattr(error, "sqlite_errorname", "").startswith(_FULL):
            remedy = "nothing that was finished is lost; make room and give the same command again"
        raise StoreError(f"{path} cannot be used: {error}", remedy=remedy) from error
