"""What a run holds, so that two runs can be compared."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

COSTS = ("seconds", "peak_memory_mb")
"""What is measured anew each time a cell is restored: the only values that two runs may differ in."""


def files(root: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones too, but for the database (see `rows`)."""
    found = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("results.db"))
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def times(root: Path, pattern: str = "**/*") -> dict[str, int]:
    """Return when each file was written."""
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.glob(pattern) if path.is_file()}


_PLACE = r"'([^']*/photographs|\d+ \d{19} \d{19})'"
"""Where a folder lies, and the size and times of a file: other ones in every copy."""


def rows(run: Path) -> list[str]:
    """Return the whole database as SQL, the costs left out, and where its folders lie."""
    with closing(sqlite3.connect(run / "results.db")) as database:
        marks = ", ".join("?" * len(COSTS))
        database.execute(
            f"UPDATE scores SET value = 0, reason = NULL WHERE metric_id IN (SELECT id FROM metrics WHERE name IN ({marks}))",
            COSTS,
        )
        return [re.sub(_PLACE, "''", line) for line in database.iterdump()]  # never committed


def count(run: Path, query: str) -> int:
    """Return the number that a query finds; 0 when there is no database yet."""
    if not (run / "results.db").is_file():
        return 0
    with closing(sqlite3.connect(run / "results.db")) as database:
        if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
            return 0
        return int(database.execute(query).fetchone()[0])
