"""Puts the cells of several runs into one, as after working on several machines."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

from bench.base.errors import StoreError
from bench.store.latest import remember
from bench.store.layout import RunLayout
from bench.store.queries import KEYS, Reader
from bench.store.records import EVERY, Status
from bench.store.rows import ImageRow
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

    A cell that several runs have keeps the first one's result, unless that failed and a later one did not. Methods
    of one label and two identities stand side by side, the later one named after its run. Nothing is left of a
    merge that fails.

    Raises:
        StoreError: when two runs differ in a constant or in the pixels of an input.
    """
    was_there, copied = out.exists(), list[Path]()
    try:
        count = _merge(runs, out, copied)
    except BaseException:
        for copy in copied:
            copy.unlink(missing_ok=True)
        if not was_there:
            shutil.rmtree(out, ignore_errors=True)
        raise
    remember(out)
    return count


def _merge(runs: Sequence[Path], out: Path, copied: list[Path]) -> int:
    """Merge, and note each file that was copied; the rows are written when all of them are there."""
    with ExitStack() as stack, Store(out) as store:
        others = [stack.enter_context(closing(connect_read_only(RunLayout(run).database))) for run in runs]
        for other in others:
            store.hold_constants(other.constants())
        with store.transaction():
            for run, other in zip(runs, others, strict=True):
                for source, copy in _merge_one(store, other, RunLayout(run)):
                    if source.is_file() and not copy.is_file():
                        copied.append(copy)
                        _share(source, copy)
        return len(store.table("cells"))


def _merge_one(store: Store, other: Reader, layout: RunLayout) -> list[tuple[Path, Path]]:
    """Write the rows of a run and return its images as (source, copy)."""
    ids: Ids = {}
    labels = _labels(store, other, layout)
    listing = cache(lambda category_id: _Listing(store.image_rows(category_id).values()))
    for table in KEYS:
        ids[table] = {}
        for row in sorted(other.table(table), key=lambda row: row.get("position") or 0):
            label = {"label": labels[row["identity"]]} if table == "methods" else {}
            new = {name: value for name, value in row.items() if name != "id"} | label
            ids[table][row["id"]] = _merge_row(store, table, _translated(new, ids), layout.root, listing)
    # Values of sets are computed again by `score`: the merged sets have other members.
    for table in ("unavailable_metrics", "commands"):
        for row in other.table(table):
            row.pop("id", None)
            store.insert(table, row, or_ignore=True)
    results, kept = (_results(reader) for reader in (other, store))
    for row in other.table("scores"):
        new = _translated(row, ids)
        if results[row["cell_id"]] == kept[new["cell_id"]]:  # else the cell that stays has other pixels
            store.insert("scores", new, or_ignore=True)
    _merge_asks(store, other, ids, labels)
    return [*_files(store, other, layout, ids)]


def _results(reader: Reader) -> dict[int, tuple[str, str | None]]:
    """Return how each cell ended, and the digest of its pixels."""
    return {row["id"]: (row["status"], row["digest"]) for row in reader.table("cells")}


def _labels(store: Store, other: Reader, layout: RunLayout) -> dict[str, str]:
    """Return by identity what the methods of another run are called here: one label never means two methods."""
    here = {row["identity"]: row["label"] for row in store.table("methods") if row["is_current"]}
    taken = {label: identity for identity, label in here.items()}
    labels = {}
    for row in other.table("methods"):
        label, turn = here.get(row["identity"], row["label"]), 1
        while row["is_current"] and taken.setdefault(label, row["identity"]) != row["identity"]:
            turn += 1
            name = layout.root.resolve().name
            label = f"{row['label']} ({name})" if turn == 2 else f"{row['label']} ({name} {turn})"
        labels[row["identity"]] = label
    return labels


def _merge_asks(store: Store, other: Reader, ids: Ids, labels: Mapping[str, str]) -> None:
    """Copy what was asked for: a category holds what both runs do, so the first N of one may be others here."""
    current = {row["label"]: labels[row["identity"]] for row in other.table("methods") if row["is_current"]}
    for row in other.table("asks"):
        category_id, limit = ids["categories"][row["category_id"]], row["images"]
        places = _places(store, category_id)
        asked = [name for name, place in _places(other, row["category_id"]).items() if place < limit]
        if limit != EVERY:
            limit = max((places[name] + 1 for name in asked), default=0)
        store.ask(current.get(row["label"], row["label"]), category_id, row["factor"], limit, row["repeats"])


def _places(reader: Reader, category_id: int) -> dict[str, int]:
    rows = reader.image_rows(category_id).values()
    return {row.name: row.position for row in rows if row.position is not None}


def _translated(row: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Return a row of another run with the ids that it points to as they are here."""
    return {
        column: ids[_POINTERS[column]][value] if column in _POINTERS else value for column, value in row.items()
    }


def _merge_row(
    store: Store, table: str, row: dict[str, Any], run: Path, listing: "Callable[[int], _Listing]"
) -> int:
    """Insert a row, or return the id of the one that is there with the same key."""
    if table == "images":
        row = _placed(store, row, run, listing(row["category_id"]))
    mine = store.find(table, row)
    if mine is None:
        slug = {"slug": store.free_slug(row["slug"], row["identity"])} if table == "methods" else {}
        return store.insert(table, row | slug)
    if table == "categories" and (mine["preparation"], mine["has_hr"]) != (row["preparation"], row["has_hr"]):
        raise _other(run, f"category {row['name']} prepared otherwise", row["preparation"], mine["preparation"])
    if table == "inputs" and mine["digest"] != row["digest"] and mine["digest"] and row["digest"]:
        raise _other(run, "other pixels for the same input", row["digest"], mine["digest"])
    if table == "image_references" and mine["digest"] != row["digest"]:
        raise _other(run, "other references for the same image", row["digest"], mine["digest"])
    is_better = {
        "methods": row.get("is_current") and not mine.get("is_current"),
        "images": row.get("position") is not None and mine.get("position") is None,
        "inputs": not mine.get("digest"),
        "cells": mine.get("status") != Status.DONE and row.get("status") == Status.DONE,
    }
    if is_better.get(table):
        kept = {name: mine[name] for name in ("slug", "file") if name in mine}
        return store.upsert(table, row | kept)
    return int(mine["id"])


class _Listing:
    """The images that a category lists, by name, and their places."""

    def __init__(self, rows: Iterable[ImageRow]) -> None:
        self.images: dict[str, ImageRow] = {}
        self.positions: set[int] = set()
        self.end = 0
        for row in rows:
            self.add(row)

    def add(self, row: ImageRow) -> None:
        """Note an image, if it is listed."""
        if row.position is not None:
            self.images[row.name] = row
            self.positions.add(row.position)
            self.end = max(self.end, row.position + 1)


def _placed(store: Store, row: dict[str, Any], run: Path, listing: _Listing) -> dict[str, Any]:
    """Return an image with its place in what both runs list, and files of its own."""
    here = listing.images.get(row["name"])
    if here and row["position"] is not None:
        if here.digest and row["digest"] and here.digest != row["digest"]:
            raise _other(run, f"other pixels for the same image {row['name']}", row["digest"], here.digest)
        is_usable = row["digest"] is not None and here.digest is None
        if is_usable:
            store.write_image(ImageRow(**row)._replace(file=None))
        row["position"] = here.position if is_usable or here.digest == row["digest"] else None
    elif row["position"] in listing.positions:
        row["position"] = listing.end
    file = store.free_file(row["category_id"], row["name"], row["digest"]) if row["digest"] else None
    row |= {"file": file}
    listing.add(ImageRow(**row))
    return row


def _other(run: Path, what: str, got: object, expected: object) -> StoreError:
    return StoreError(f"{run} has {what}", got=got, expected=expected, remedy="merge only runs on the same images")


def _files(store: Store, other: Reader, layout: RunLayout, ids: Ids) -> Iterator[tuple[Path, Path]]:
    """Yield the images of another run as (source, copy)."""
    here = store.layout
    files = {row["id"]: row["file"] for row in store.table("images")}
    slugs = {row["id"]: row["slug"] for row in store.table("methods")}
    for record in other.files():
        file = files[ids["images"][record.image_id]]
        source, copy = layout.hr(record.category, record.file), here.hr(record.category, file)
        yield source, copy
        yield layout.thumbnail(source), here.thumbnail(copy)
        for reference in layout.references(record.category, record.file).glob("*.png"):
            copy = here.references(record.category, file) / reference.name
            yield reference, copy
            yield layout.thumbnail(reference), here.thumbnail(copy)
        if record.factor:
            lr = layout.lr(record.category, record.file, record.factor)
            yield lr, here.lr(record.category, file, record.factor)
    for cell in other.restored_cells():
        source = layout.sr_of(cell)
        file = files[ids["images"][cell.image_id]]
        copy = here.sr_of(cell._replace(slug=slugs[ids["methods"][cell.method_id]], file=file))
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
