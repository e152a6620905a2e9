"""Puts the cells of several runs into one, as after working on several machines."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.base.errors import StoreError
from bench.store.layout import RunLayout
from bench.store.store import Store, connect_read_only

# Each table: its natural key, its other columns, and the columns that point to rows of other tables.
TABLES = {
    "methods": (("identity",), {}),
    "categories": (("name",), {}),
    "images": (("category_id", "name"), {"category_id": "categories"}),
    "inputs": (("image_id", "factor"), {"image_id": "images"}),
    "metrics": (("name", "signature"), {}),
    "cells": (("method_id", "input_id", "repeat"), {"method_id": "methods", "input_id": "inputs"}),
}
POINTERS = {"cell_id": "cells", "metric_id": "metrics", "method_id": "methods", "category_id": "categories"}


def merge(runs: Sequence[Path], out: Path) -> int:
    """Copy the cells of runs into one folder and return how many it then has.

    A cell that several runs have keeps the first one's result, unless that failed and a later one did not.

    Raises:
        StoreError: when two runs differ in a constant or in the pixels of an input.
    """
    with Store(out) as store:
        for run in runs:
            with closing(connect_read_only(RunLayout(run).database)) as theirs:
                constants = theirs.execute("SELECT name, value FROM constants").fetchall()
                store.hold_constants({row["name"]: row["value"] for row in constants})
                _merge_one(store, theirs, RunLayout(run))
        return len(store.rows("SELECT 1 FROM cells"))


def _merge_one(store: Store, theirs: sqlite3.Connection, layout: RunLayout) -> None:
    files: list[tuple[Path, Path]] = []
    with store.transaction():
        ids: dict[str, dict[int, int]] = {}
        for table, (key, pointers) in TABLES.items():
            ids[table] = {}
            for row in theirs.execute(f"SELECT * FROM {table} ORDER BY id"):
                record = dict(row)
                old = record.pop("id")
                for column, target in pointers.items():
                    record[column] = ids[target][record[column]]
                ids[table][old] = _take(store, table, key, record, layout.root)
        _copy_values(store, theirs, ids)
        files = _files(store, theirs, layout, ids)
    for source, copy in files:
        copy.parent.mkdir(parents=True, exist_ok=True)
        _share(source, copy)


def _share(source: Path, copy: Path) -> None:
    """Link an image, or copy it to another file system. No image is ever changed in place."""
    try:
        copy.hardlink_to(source)
    except OSError:
        shutil.copy2(source, copy)


def _take(store: Store, table: str, key: tuple[str, ...], record: dict[str, object], run: Path) -> int:
    """Insert a row, or return the id of the one that is there with the same key."""
    where = " AND ".join(f"{name} IS ?" for name in key)
    found = store.rows(f"SELECT * FROM {table} WHERE {where}", *(record[name] for name in key))
    if not found:
        if table == "methods":
            _free_slug(store, record)
        return store.upsert(table, {name: record[name] for name in key}, _others(record, key))
    mine = found[0]
    if table in ("images", "inputs") and mine["digest"] != record["digest"]:
        raise StoreError(
            f"{run} has other pixels for the same input", got=record["digest"], expected=mine["digest"],
            remedy="merge only runs on the same images",
        )  # fmt: skip
    if table == "cells" and mine["status"] != "done" and record["status"] == "done":
        return store.upsert(table, {name: record[name] for name in key}, _others(record, key))
    return int(mine["id"])


def _others(record: dict[str, object], key: tuple[str, ...]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in key}


def _free_slug(store: Store, record: dict[str, object]) -> None:
    if store.rows("SELECT 1 FROM methods WHERE slug = ?", record["slug"]):
        record["slug"] = f"{record['slug']}-{str(record['identity'])[:6]}"
    if store.rows("SELECT 1 FROM methods WHERE label = ? AND is_current", record["label"]):
        record["is_current"] = 0


def _copy_values(store: Store, theirs: sqlite3.Connection, ids: dict[str, dict[int, int]]) -> None:
    """Copy values, keeping those that are there; set values of other members are computed again by `score`."""
    for row in theirs.execute("SELECT * FROM scores"):
        _insert(store, "scores", dict(row), ids)
    for row in theirs.execute("SELECT * FROM gaps"):
        _insert(store, "gaps", dict(row), ids)
    for row in theirs.execute("SELECT record FROM commands ORDER BY id"):
        _insert(store, "commands", dict(row), ids)


def _insert(store: Store, table: str, record: dict[str, object], ids: dict[str, dict[int, int]]) -> None:
    for column in POINTERS.keys() & record.keys():
        record[column] = ids[POINTERS[column]][int(str(record[column]))]
    columns, marks = ", ".join(record), ", ".join("?" * len(record))
    store.connection.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", list(record.values()))


def _files(
    store: Store, theirs: sqlite3.Connection, layout: RunLayout, ids: dict[str, dict[int, int]]
) -> list[tuple[Path, Path]]:
    """Return the PNGs to copy, as (source, target), for everything that is not there yet."""
    rows = theirs.execute(
        "SELECT methods.id AS method, slug, categories.name AS category, images.name AS image, factor, repeat,"
        " status"
        " FROM inputs JOIN images ON images.id = image_id JOIN categories ON categories.id = category_id"
        " LEFT JOIN cells ON input_id = inputs.id LEFT JOIN methods ON methods.id = method_id"
    ).fetchall()
    mine = {row["id"]: row["slug"] for row in store.rows("SELECT id, slug FROM methods")}
    pairs = []
    for row in rows:
        where, here = (row["category"], row["image"]), store.layout
        pairs += [
            (layout.hr(*where), here.hr(*where)),
            (layout.thumbnail(layout.hr(*where)), here.thumbnail(here.hr(*where))),
            (layout.lr(*where, row["factor"]), here.lr(*where, row["factor"])),
        ]
        if row["status"] == "done":
            rest = (*where, row["factor"], row["repeat"])
            sr, copy = layout.sr(row["slug"], *rest), here.sr(mine[ids["methods"][row["method"]]], *rest)
            pairs += [(sr, copy), (layout.again(sr), here.again(copy))]
            pairs.append((layout.thumbnail(sr), here.thumbnail(copy)))
    return [pair for pair in dict.fromkeys(pairs) if pair[0].is_file() and not pair[1].is_file()]
