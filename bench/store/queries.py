"""What is read from the database of a run. The SQL of what is written to it is in `bench.store.writer`."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from bench.base.errors import RunMismatch, StoreError
from bench.base.metric import Better
from bench.store import records
from bench.store.rows import ImageRow

KEYS = {
    "methods": ("identity",),
    "categories": ("name",),
    "images": ("category_id", "name", "digest"),
    "inputs": ("image_id", "factor"),
    "image_references": ("image_id",),
    "metrics": ("name", "signature"),
    "cells": ("method_id", "input_id", "repeat"),
}
"""The columns that name a row of each table with an id, each after those that it points to."""
R = TypeVar("R", bound=tuple[Any, ...])
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")

# Grouped by one number, which sorts five million values in half the time of four.
_SUMS = """
SELECT methods.label AS method, categories.name AS category, factor, metrics.name AS metric, total, n,
       category_id, method_id, metric_id
FROM (
    SELECT ((method_id * 100000 + category_id) * 1000 + factor) * 1000 + metric_id AS place,
           method_id, category_id, factor, metric_id, SUM(value) AS total, COUNT(value) AS n
    FROM scores JOIN cells ON cells.id = cell_id JOIN inputs ON inputs.id = input_id
    JOIN images ON images.id = inputs.image_id JOIN methods ON methods.id = method_id
    LEFT JOIN image_references AS now ON now.image_id = images.id
    WHERE cell_id > ? AND cell_id <= ? AND COALESCE(references_digest, now.digest) IS now.digest AND EXISTS (
        SELECT 1 FROM asks WHERE asks.label = methods.label AND asks.category_id = images.category_id
        AND asks.factor = inputs.factor AND asks.images > position AND repeats > repeat
    ) GROUP BY place
) JOIN methods ON methods.id = method_id JOIN categories ON categories.id = category_id
JOIN metrics ON metrics.id = metric_id WHERE is_current AND n
"""
_UNMEASURED = """
SELECT method, category, image, factor, 'no ' || metrics.name, scores.reason
FROM scores JOIN metrics ON metrics.id = metric_id JOIN cell_view USING (cell_id)
WHERE value IS NULL AND scope != 'cost' AND is_asked ORDER BY metric_id, cell_id
"""
_LEFT_OUT = """
SELECT slug, category, image, factor, repeat, CASE
    WHEN NOT is_current THEN 'its method is another by now'
    WHEN position IS NOT NULL AND NOT has_its_references THEN 'its references are others by now'
    WHEN position IS NOT NULL THEN 'no command asks for it any more'
    WHEN EXISTS (
        SELECT 1 FROM images AS other
        WHERE other.category_id = cell_view.category_id AND other.name = image AND other.position IS NOT NULL
    ) THEN 'its image has another content by now'
    ELSE 'the source of its category no longer lists its image'
END AS reason
FROM cell_view WHERE status = ? AND NOT is_asked ORDER BY category_id, image, factor, method_id, repeat
"""


def _network_of(metric: str) -> str:
    """Return the name by which trainings record a metric's network: that of `pyiqa:lpips-vgg` is `lpips_vgg`."""
    return metric.removeprefix("pyiqa:").replace("-", "_")


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one sentence that names the file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        remedy = "restore a copy, or run into another folder with --out"
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_FULL):
            remedy = "nothing that was finished is lost; make room and give the same command again"
        elif name.startswith(_BUSY):
            remedy = "another process uses it; nothing that was finished is lost, give the same command again"
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

    def check_constants(self, constants: Mapping[str, str]) -> None:
        """Refuse constants that are others than those of the run.

        Raises:
            RunMismatch: naming the first that differs.
        """
        written = self.constants()
        for name, value in constants.items():
            if name in written and written[name] != value:
                what = f"{self.path.parent} was made with another value of {name}"
                remedy = "run into another folder with --out, or give the value it was made with"
                raise RunMismatch(what, got=value, expected=written[name], remedy=remedy)

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
                trained_on=tuple(json.loads(str(row.trained_on))),
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
            )._replace(
                better=Better(row["better"]), is_training_metric=_network_of(row["name"]) in training_metrics
            )
            for row in rows
        ]

    def metric_id(self, name: str, signature: str) -> int | None:
        """Return the id of a metric, None when it has never been computed."""
        rows = self._rows("SELECT id FROM metrics WHERE name = ? AND signature = ?", name, signature)
        return rows[0]["id"] if rows else None

    def strangers(self) -> list[records.StrangersRecord]:
        """Return what pairs of different images scored, by category and metric."""
        return self._select(records.StrangersRecord, "strangers_view ORDER BY category_id, metric_id")

    def categories(self) -> list[records.CategoryRecord]:
        """Return the categories in the order in which they were first used."""
        return self._select(records.CategoryRecord, "categories ORDER BY id")

    def category_id(self, name: str) -> int:
        """Return the id of a category of this name."""
        return int(self._rows("SELECT id FROM categories WHERE name = ?", name)[0][0])

    def images(self) -> list[records.ImageRecord]:
        """Return the images that tables are about and that can be used, by category in the order of its list."""
        asked = "EXISTS (SELECT 1 FROM asks WHERE asks.category_id = image_view.category_id AND images > position)"
        source = f"image_view WHERE digest IS NOT NULL AND {asked} ORDER BY category_id, position"
        return self._select(records.ImageRecord, source)

    def inputs(self, category: str | None = None) -> list[records.InputRecord]:
        """Return the inputs of one category or of all, those of images that tables are about."""
        source = "input_view WHERE position IS NOT NULL AND (?1 IS NULL OR category = ?1)"
        return self._select(records.InputRecord, source, category)

    def files(self) -> list[records.ImageFile]:
        """Return every image that was ever made, with the digests of its PNGs."""
        source = "file_view ORDER BY image_id, factor"
        return self._select(records.ImageFile, source)

    def image_rows(self, category_id: int) -> dict[int, ImageRow]:
        """Return every content that the images of a category had, by id."""
        columns = ", ".join(ImageRow._fields)
        rows = self._rows(f"SELECT id, {columns} FROM images WHERE category_id = ?", category_id)
        return {row[0]: ImageRow(*row[1:]) for row in map(tuple, rows)}

    def factors(self) -> list[int]:
        """Return the factors that were asked for, from small to large."""
        return [row["factor"] for row in self._rows("SELECT DISTINCT factor FROM asks ORDER BY factor")]

    def asked_factors(self, identity: str) -> list[int]:
        """Return the factors that were asked of a method, if it is known."""
        source = "asks JOIN methods USING (label) WHERE identity = ? ORDER BY factor"
        return [row["factor"] for row in self._rows(f"SELECT DISTINCT factor FROM {source}", identity)]

    def asked_images(self, category_id: int) -> int:
        """Return how many of the first images of a category were asked for at most."""
        rows = self._rows("SELECT COALESCE(MAX(images), 0) AS most FROM asks WHERE category_id = ?", category_id)
        return int(next(iter(rows))["most"])

    def statuses(self, method_id: int) -> dict[tuple[int, int], records.Status]:
        """Return how the cells of a method ended, by input and repeat; pending are those of other references."""
        status = "CASE WHEN has_its_references THEN status ELSE 'pending' END AS status"
        rows = self._rows(f"SELECT input_id, repeat, {status} FROM cell_view WHERE method_id = ?", method_id)
        return {(row["input_id"], row["repeat"]): records.Status(row["status"]) for row in rows}

    def status_counts(self) -> dict[str, int]:
        """Return how many of the cells of all tables ended how."""
        statement = "SELECT status, COUNT(*) FROM table_view GROUP BY status ORDER BY status"
        return dict(map(tuple, self._rows(statement)))

    def pending_counts(self) -> dict[str, int]:
        """Return of how many cells of the tables each method has none yet, where there are any."""
        statement = "SELECT method, COUNT(*) FROM table_view WHERE status = ? GROUP BY method_id"
        return dict(map(tuple, self._rows(statement, records.Status.PENDING)))

    def restored_cells(self) -> list[records.RestoredCell]:
        """Return the cells that are done: by category, image, factor, method and repeat."""
        source = "cell_view WHERE status = ? ORDER BY category_id, position, factor, method_id, repeat"
        return self._select(records.RestoredCell, source, records.Status.DONE)

    def unrestored_cells(self) -> list[records.FailedCell]:
        """Return the cells of the tables that ended without an image, skipped ones too."""
        source = "cell_view WHERE is_asked AND status != ? ORDER BY cell_id"
        return self._select(records.FailedCell, source, records.Status.DONE)

    def unmeasured_cells(self) -> list[records.FailedCell]:
        """Return the restored cells of the tables that a metric could not measure, each metric by its own."""
        rows = self._rows(_UNMEASURED)
        return [records.FailedCell(*row) for row in rows]

    def left_out(self) -> list[records.LeftOutCell]:
        """Return the restored cells that are in no table, and why."""
        rows = self._rows(_LEFT_OUT, records.Status.DONE)
        return [records.LeftOutCell(*row) for row in rows]

    def frame_rows(self) -> list[sqlite3.Row]:
        """Return every value of a cell, and every cell without any, with the ids that order them."""
        return self._rows("SELECT * FROM frame_view")

    def set_rows(self) -> list[sqlite3.Row]:
        """Return every value of a set by a method as it is now."""
        return self._rows("SELECT * FROM set_score_view WHERE is_current")

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
