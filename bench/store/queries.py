"""Every SQL statement but the schema: what is read from the database of a run, and what is written to it."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from bench.base.errors import StoreError
from bench.base.filenames import printable
from bench.base.metric import Better
from bench.store import records

KEYS = {
    "methods": ("identity",),
    "categories": ("name",),
    "images": ("category_id", "name"),
    "inputs": ("image_id", "factor"),
    "metrics": ("name", "signature"),
    "cells": ("method_id", "input_id", "repeat"),
}
"""The columns that name a row of each table with an id, each after those that it points to."""
R = TypeVar("R", bound=tuple[Any, ...])
_STALE = "the category's list has changed"
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")

# Grouped by one number, which sorts five million values in half the time of four.
_SUMS = """
SELECT methods.label AS method, categories.name AS category, factor, metrics.name AS metric, total, n,
       category_id, method_id, metric_id
FROM (
    SELECT ((method_id * 100000 + category_id) * 1000 + factor) * 1000 + metric_id AS place,
           method_id, category_id, factor, metric_id, SUM(value) AS total, COUNT(value) AS n
    FROM scores JOIN cells ON cells.id = cell_id JOIN inputs ON inputs.id = input_id
    JOIN images ON images.id = image_id WHERE cell_id > ? AND cell_id <= ? GROUP BY place
) JOIN methods ON methods.id = method_id JOIN categories ON categories.id = category_id
JOIN metrics ON metrics.id = metric_id WHERE is_current AND n
"""


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


class Reader:
    """Reads the database of a run."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection, self.path = connection, path
        connection.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def has_tables(self) -> bool:
        """Say whether anything was ever written; a journal that a killed writer left is rolled back first."""
        return bool(self._rows("SELECT 1 FROM sqlite_master"))

    def damage(self) -> list[str]:
        """Return what SQLite finds wrong with the file itself."""
        return [row[0] for row in self._rows("PRAGMA integrity_check") if row[0] != "ok"]

    def constants(self) -> dict[str, str]:
        """Return what every command on this run must agree on, by name."""
        return {row["name"]: row["value"] for row in self._rows("SELECT * FROM constants ORDER BY name")}

    def commands(self) -> list[dict[str, Any]]:
        """Return the provenance of each command, in the order in which they were given."""
        return [json.loads(row["record"]) for row in self._rows("SELECT record FROM commands ORDER BY id")]

    def methods(self) -> list[records.MethodRecord]:
        """Return the methods as they are now, in the order in which they first ran."""
        rows = self._select(records.MethodRecord, "methods WHERE is_current ORDER BY id")
        return [
            row._replace(
                options=json.loads(str(row.options)),
                is_upper_bound=bool(row.is_upper_bound),
                training_metrics=tuple(json.loads(str(row.training_metrics))),
            )
            for row in rows
        ]

    def metrics(self) -> list[records.MetricRecord]:
        """Return the metrics and costs; the methods' own values are not among them."""
        training_metrics = {name for method in self.methods() for name in method.training_metrics}
        rows = map(dict, self._rows("SELECT * FROM metrics WHERE scope != 'value'"))
        return [
            records.MetricRecord(
                **{name: row[name] for name in records.MetricRecord._fields if name in row}
            )._replace(better=Better(row["better"]), is_training_metric=row["name"] in training_metrics)
            for row in rows
        ]

    def metric_id(self, name: str, signature: str) -> int | None:
        """Return the id of a metric, None when it has never been computed."""
        rows = self._rows("SELECT id FROM metrics WHERE name = ? AND signature = ?", name, signature)
        return rows[0]["id"] if rows else None

    def strangers(self) -> list[records.StrangersRecord]:
        """Return what pairs of different images score, by category and metric."""
        return self._select(records.StrangersRecord, "strangers_view ORDER BY category_id, metric_id")

    def strangers_members(self, metric_id: int) -> dict[int, str]:
        """Return by category the digest of the images whose pairs were scored."""
        rows = self._rows("SELECT category_id, members FROM strangers WHERE metric_id = ?", metric_id)
        return dict(map(tuple, rows))

    def categories(self) -> list[records.CategoryRecord]:
        """Return the categories in the order in which they were first used."""
        return self._select(records.CategoryRecord, "categories ORDER BY id")

    def images(self) -> list[records.ImageRecord]:
        """Return the images that can be used, by category in the order of its list."""
        source = "image_view WHERE digest IS NOT NULL ORDER BY category_id, position"
        return self._select(records.ImageRecord, source)

    def inputs(self, category: str | None = None) -> list[records.InputRecord]:
        """Return the inputs of one category or of all."""
        return self._select(records.InputRecord, "input_view WHERE ?1 IS NULL OR category = ?1", category)

    def factors(self) -> list[int]:
        """Return the factors from small to large."""
        return [row["factor"] for row in self._rows("SELECT DISTINCT factor FROM inputs ORDER BY factor")]

    def statuses(self, method_id: int) -> dict[tuple[int, int], records.Status]:
        """Return how the cells of a method ended, by input and repeat."""
        rows = self._rows("SELECT input_id, repeat, status FROM cells WHERE method_id = ?", method_id)
        return {(row["input_id"], row["repeat"]): records.Status(row["status"]) for row in rows}

    def status_counts(self) -> dict[str, int]:
        """Return how many cells ended how."""
        return dict(map(tuple, self._rows("SELECT status, COUNT(*) FROM cells GROUP BY status ORDER BY status")))

    def restored_cells(self) -> list[records.RestoredCell]:
        """Return the cells that are done: by category, image, factor, method and repeat."""
        source = "cell_view WHERE status = ? ORDER BY category_id, position, factor, method_id, repeat"
        return self._select(records.RestoredCell, source, records.Status.DONE)

    def failed_cells(self) -> list[records.FailedCell]:
        """Return the cells of the methods as they are now that ended without an image, but for skipped ones."""
        source = "cell_view WHERE is_current AND status IN (?, ?, ?) ORDER BY cell_id"
        return self._select(records.FailedCell, source, *records.Status.failed())

    def frame_rows(self) -> list[sqlite3.Row]:
        """Return every value, and every cell without any, with the ids that order them."""
        return self._rows("SELECT * FROM frame_view")

    def sums(self, part: int, parts: int) -> list[sqlite3.Row]:
        """Return the sum and number of a part of all values, by method, category, factor and metric."""
        last = self._rows("SELECT COALESCE(MAX(id), 0) FROM cells")[0][0]
        return self._rows(_SUMS, last * part // parts, last * (part + 1) // parts)

    def scores(self, metric: str, signature: str) -> dict[int, float | None]:
        """Return the values of an image metric by cell; None where there is a reason instead."""
        return self._values("cell_id", "scores", metric, signature)

    def set_scores(self, metric: str, signature: str) -> dict[str, float | None]:
        """Return the values of a set metric by the digest of what they were computed on."""
        return self._values("members", "set_scores", metric, signature)

    def unavailable_metrics(self) -> list[records.UnavailableMetric]:
        """Return the metrics that were asked for and could not be computed."""
        return self._select(records.UnavailableMetric, "unavailable_metrics ORDER BY name")

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return a whole table, for a merge; those without ids in the order of their keys."""
        return [dict(row) for row in self._rows(f"SELECT * FROM {name} ORDER BY 1")]

    def find(self, table: str, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the row that has the same key as a record."""
        where = " AND ".join(f"{name} IS ?" for name in KEYS[table])
        rows = self._rows(f"SELECT * FROM {table} WHERE {where}", *(record[name] for name in KEYS[table]))
        return dict(rows[0]) if rows else None

    def _values(self, key: str, table: str, metric: str, signature: str) -> dict[Any, float | None]:
        source = f"{table} JOIN metrics ON metrics.id = metric_id WHERE name = ? AND signature = ?"
        return dict(map(tuple, self._rows(f"SELECT {key}, value FROM {source}", metric, signature)))

    def _select(self, kind: type[R], source: str, *values: object) -> list[R]:
        """Read the columns that a kind of record names."""
        columns = ", ".join(kind.__annotations__)
        return [kind(*row) for row in self._rows(f"SELECT {columns} FROM {source}", *values)]

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with naming_damage(self.path):
            return self.connection.execute(statement, values).fetchall()


class Writer(Reader):
    """Writes the database of a run, inside transactions. A row that is equal already is not written again."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, path)
        connection.execute("PRAGMA foreign_keys = ON")

    def create_tables(self, schema: str, version: str) -> None:
        """Write the schema into an empty database, all of it or nothing."""
        stamp = f"INSERT INTO constants VALUES ('schema', '{version}');"
        self.connection.executescript(f"BEGIN;\n{schema}\n{stamp}\nCOMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside at once, or nothing."""
        with naming_damage(self.path), self.connection:
            yield

    def add_constants(self, constants: Mapping[str, str]) -> None:
        """Write constants that are not there yet."""
        self.connection.executemany("INSERT INTO constants VALUES (?, ?)", constants.items())

    def record_command(self, record: Mapping[str, Any]) -> None:
        """Remember a command and where it ran; the same one again is not written again."""
        with self.transaction():
            self.insert("commands", {"record": json.dumps(record, sort_keys=True)}, or_ignore=True)

    def register_method(self, record: records.MethodRecord) -> tuple[int, str]:
        """Write a method as it is now, and return its id and slug; an edited one replaces the one of its label."""
        row = {
            **record._asdict(),
            "slug": self.free_slug(record.slug, record.identity),
            "options": json.dumps(record.options, sort_keys=True),
            "training_metrics": json.dumps(record.training_metrics),
            "is_current": True,
        }
        retired = "UPDATE methods SET is_current = 0 WHERE label = ? AND identity != ? AND is_current"
        self.connection.execute(retired, (record.label, record.identity))
        return self.upsert("methods", row), str(row["slug"])

    def free_slug(self, slug: str, identity: str) -> str:
        """Return the slug that a method has already, or one that no other method has."""
        slugs = {row["identity"]: row["slug"] for row in self._rows("SELECT identity, slug FROM methods")}
        return slugs.get(identity) or (f"{slug}-{identity[:6]}" if slug in slugs.values() else slug)

    def register_category(self, record: records.CategoryRecord) -> int:
        """Write a category and return its id; when its list changed, its inputs are made again."""
        old = self.find("categories", record._asdict())
        if old and old["digest"] != record.digest:
            where = "image_id IN (SELECT id FROM images WHERE category_id = ?)"
            self.connection.execute(f"UPDATE inputs SET problem = ? WHERE {where}", (_STALE, old["id"]))
        return self.upsert("categories", record._asdict())

    def register_metric(self, record: records.MetricRecord) -> int:
        """Write a metric and return its id; another signature is another metric.

        One from a file replaces what the file was before, with its values.
        """
        row = record._asdict() | {"better": record.better.value}
        del row["is_training_metric"]
        signature, is_file, _ = record.signature.partition("|source:")
        if is_file:
            edited = "SELECT id FROM metrics WHERE name = ? AND signature LIKE ? || '|source:%' AND signature != ?"
            for table, key in (
                ("scores", "metric_id"),
                ("set_scores", "metric_id"),
                ("strangers", "metric_id"),
                ("metrics", "id"),
            ):
                values = (record.name, signature, record.signature)
                self.connection.execute(f"DELETE FROM {table} WHERE {key} IN ({edited})", values)
        return self.upsert("metrics", row)

    def write_image(self, row: records.ImageRow) -> int:
        """Write an image and return its id; when its pixels changed, all that came of the old ones is deleted."""
        old = self.find("images", row._asdict())
        if old and old["digest"] is not None and old["digest"] != row.digest:
            self.connection.execute("DELETE FROM images WHERE id = ?", (old["id"],))
        return self.upsert("images", row._asdict())

    def write_input(self, row: records.InputRow) -> int:
        """Write an input and return its id."""
        return self.upsert("inputs", row._asdict())

    def write_cell(self, row: records.CellRow) -> int:
        """Write how a cell ended and return its id."""
        return self.upsert("cells", row._asdict())

    def write_scores(self, scores: Iterable[records.Score]) -> None:
        """Write values, replacing those of the same cell and metric."""
        self.connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)", scores)

    def delete_scores(self, cell_id: int) -> None:
        """Forget the values of a cell that was restored again."""
        self.connection.execute("DELETE FROM scores WHERE cell_id = ?", (cell_id,))

    def write_set_score(self, score: records.SetScore) -> None:
        """Write the value of a set, replacing the one of the same set and metric."""
        self.connection.execute("INSERT OR REPLACE INTO set_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", score)

    def write_strangers(
        self, category_id: int, metric_id: int, record: records.StrangersRecord, members: str
    ) -> None:
        """Write what pairs of the images of a category score, replacing what earlier ones did."""
        row = (category_id, metric_id, *record[3:], members)
        self.connection.execute("INSERT OR REPLACE INTO strangers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def note_unavailable(self, metric: records.UnavailableMetric) -> None:
        """Write why a metric cannot be had."""
        self.connection.execute("INSERT OR REPLACE INTO unavailable_metrics VALUES (?, ?, ?)", metric)

    def note_available(self, metric: str) -> None:
        """Forget that a metric could not be had."""
        self.connection.execute("DELETE FROM unavailable_metrics WHERE name = ?", (metric,))

    def upsert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert or update the row with a key and return its id."""
        old = self.find(table, row)
        if old is None:
            return self.insert(table, row)
        if any(old[name] != value for name, value in row.items()):
            changes = ", ".join(f"{name} = ?" for name in row)
            self.connection.execute(f"UPDATE {table} SET {changes} WHERE id = ?", (*row.values(), old["id"]))
        return int(old["id"])

    def insert(self, table: str, row: Mapping[str, Any], *, or_ignore: bool = False) -> int:
        """Insert a row and return its id, if it has one; with or_ignore a row of an equal key stays as it is."""
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        verb = "INSERT OR IGNORE" if or_ignore else "INSERT"
        statement = f"{verb} INTO {table} ({columns}) VALUES ({marks})"
        values = tuple(printable(value) if isinstance(value, str) else value for value in row.values())
        return int(self.connection.execute(statement, values).lastrowid or 0)
