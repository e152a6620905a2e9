"""Puts the cells of several runs into one, as after working on several machines."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.base.errors import StoreError
from bench.store.layout import RunLayout
from bench.store.queries import KEYS, Reader
from bench.store.records import Status
from bench.store.store import Store, connect_read_only

_POINTERS = {
    "category_id": "categories",
    "image_id": "images",
    "method_id": "methods",
    "input_id": "inputs",
    "cell_id": "cells",
    "metric_id": "metrics",
}
"""The columns that point to rows of other tables."""
Ids = dict[str, dict[int, int]]
"""By table: what the ids of another run are here."""


def merge(runs: Sequence[Path], out: Path) -> int:
    """Copy the cells of runs into one folder and return how many it then has.

    A cell that several runs have keeps the first one's result, unless that failed and a later one did not.

    Raises:
        StoreError: when two runs differ in a constant or in the pixels of an input.
    """
    with Store(out) as store:
        for run in runs:
            with closing(connect_read_only(RunLayout(run).database)) as other:
                store.hold_constants(other.constants())
                _merge_one(store, other, RunLayout(run))
        return sum(store.status_counts().values())


def _merge_one(store: Store, other: Reader, layout: RunLayout) -> None:
    with store.transaction():
        ids: Ids = {}
        for table in KEYS:
            ids[table] = {}
            for row in other.table(table):
                old_id = row.pop("id")
                ids[table][old_id] = _merge_row(store, table, _translated(row, ids), layout.root)
        # Values of sets are computed again by `score`: the merged sets have other members.
        for table in ("scores", "unavailable_metrics", "commands"):
            for row in other.table(table):
                row.pop("id", None)
                store.insert(table, _translated(row, ids), or_ignore=True)
        files = [*_files(store, other, layout, ids)]
    for source, copy in files:
        if source.is_file() and not copy.is_file():
            _share(source, copy)


def _translated(row: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Return a row of another run with the ids that it points to as they are here."""
    return {
        column: ids[_POINTERS[column]][value] if column in _POINTERS else value for column, value in row.items()
    }


def _merge_row(store: Store, table: str, row: dict[str, Any], run: Path) -> int:
    """Insert a row, or return the id of the one that is there with the same key."""
    mine = store.find(table, row)
    if mine is None:
        return store.insert(table, _as_new_method(store, row) if table == "methods" else row)
    if table in ("images", "inputs") and mine["digest"] != row["digest"]:
        raise StoreError(
            f"{run} has other pixels for the same input", got=row["digest"], expected=mine["digest"],
            remedy="merge only runs on the same images",
        )  # fmt: skip
    if table == "cells" and mine["status"] != Status.DONE and row["status"] == Status.DONE:
        return store.upsert(table, row)
    return int(mine["id"])


def _as_new_method(store: Store, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a method with a slug that is free, retired when its label is another's by now."""
    is_taken = any(method.label == row["label"] for method in store.methods())
    slug = store.free_slug(row["slug"], row["identity"])
    return row | {"slug": slug, "is_current": row["is_current"] and not is_taken}


def _files(store: Store, other: Reader, layout: RunLayout, ids: Ids) -> Iterator[tuple[Path, Path]]:
    """Yield the images of another run as (source, copy)."""
    here = store.layout
    for row in other.inputs():
        source, copy = layout.hr(row.category, row.image), here.hr(row.category, row.image)
        yield source, copy
        yield layout.thumbnail(source), here.thumbnail(copy)
        yield layout.lr(row.category, row.image, row.factor), here.lr(row.category, row.image, row.factor)
    slugs = {method["id"]: method["slug"] for method in store.table("methods")}
    for cell in other.restored_cells():
        source = layout.sr_of(cell)
        copy = here.sr_of(cell._replace(slug=slugs[ids["methods"][cell.method_id]]))
        yield source, copy
        yield layout.redownsampled(source), here.redownsampled(copy)
        yield layout.thumbnail(source), here.thumbnail(copy)


def _share(source: Path, copy: Path) -> None:
    """Link an image, or copy it to another file system. No image is ever changed in place."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        copy.hardlink_to(source)
    except OSError:
        shutil.copy2(source, copy)
