"""The first stage of a run: HR and LR images, made once, saved, and known by their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.base.errors import BenchError
from bench.base.progress import Reporter
from bench.base.types import Category, Pixels, Size
from bench.categories.category import CategorySource
from bench.images import previews
from bench.images.degradation import make_lr
from bench.images.png import pixel_digest, save_png
from bench.store.store import Store

STALE = "the category's list has changed"


class Input(NamedTuple):
    """One LR image of one factor, or why there is none."""

    id: int
    category: Category
    image: str
    factor: int
    digest: str
    lr_size: Size
    has_hr: bool
    problem: str | None

    @property
    def hr_size(self) -> Size:
        height, width = self.lr_size
        return height * self.factor, width * self.factor


def prepare(
    store: Store, source: CategorySource, limit: int | None, factors: Sequence[int], reporter: Reporter
) -> list[Input]:
    """Make the HR and LR images of a category that are not there yet, and return all of its inputs.

    An image that cannot be used keeps its place, with the reason.
    """
    category = _register(store, source)
    names = source.list(limit)
    waiting = _waiting(store, source, names, factors)
    with reporter.stage(f"images of {source.name}", len(waiting)) as stage:
        for name in waiting:
            key = {"category_id": category, "name": name}
            problem = _make(store, source, key, names.index(name), factors)
            stage.advance(f"{source.name}/{name}" + (f": {problem}" if problem else ""))
    return _inputs(store, source, names, factors)


def _register(store: Store, source: CategorySource) -> int:
    key = {"name": source.name}
    fields = ("title", "kind", "about", "licence", "digest")
    row = {name: getattr(source, name) for name in fields} | {"has_hr": int(source.has_hr)}
    known = store.rows("SELECT id, digest FROM categories WHERE name = ?", source.name)
    with store.transaction():
        if known and known[0]["digest"] != source.digest:
            images = "SELECT id FROM images WHERE category_id = ?"
            store.connection.execute(
                f"UPDATE inputs SET problem = ? WHERE image_id IN ({images})", [STALE, known[0]["id"]]
            )
        return store.upsert("categories", key, row)


def _waiting(store: Store, source: CategorySource, names: Sequence[str], factors: Sequence[int]) -> list[str]:
    rows = store.rows(
        "SELECT images.name, factor, stamp FROM inputs JOIN images ON images.id = image_id"
        " JOIN categories ON categories.id = category_id WHERE categories.name = ? AND problem IS NULL",
        source.name,
    )
    known = {(row["name"], row["factor"]): row["stamp"] for row in rows}

    def is_made(name: str, factor: int) -> bool:
        hr, lr = store.layout.hr(source.name, name), store.layout.lr(source.name, name, factor)
        is_known = known.get((name, factor)) == source.stamp(name)
        return is_known and lr.is_file() and (hr.is_file() or not source.has_hr)

    return [name for name in names if not all(is_made(name, factor) for factor in factors)]


def _make(
    store: Store, source: CategorySource, key: dict[str, object], position: int, factors: Sequence[int]
) -> str | None:
    """Make one image and its LR images; return what was wrong with it, or None."""
    name = str(key["name"])
    image = _try(lambda: source.read(name))
    made = {factor: image if isinstance(image, str) else _lr(image, factor, source) for factor in factors}
    row: dict[str, object] = {"position": position, "stamp": source.stamp(name)}
    if not isinstance(image, str):
        row |= _image_row(source, name, image)
        _save_images(store, source, name, image, made)
    with store.transaction():
        _forget_if_changed(store, key, row.get("digest"))
        image_id = store.upsert("images", key, row)
        for factor, lr in made.items():
            store.upsert("inputs", {"image_id": image_id, "factor": factor}, _input_row(lr))
    return next((lr for lr in made.values() if isinstance(lr, str)), None)


def _try(call: Callable[[], Pixels]) -> Pixels | str:
    try:
        return call()
    except BenchError as error:
        return str(error)


def _lr(image: Pixels, factor: int, source: CategorySource) -> Pixels | str:
    return _try(lambda: make_lr(image, factor)) if source.has_hr else image


def _image_row(source: CategorySource, name: str, image: Pixels) -> dict[str, object]:
    digest, expected = pixel_digest(image), source.expected_digest(name)
    flag = "its pixels are not those of the published image" if expected not in (None, digest) else None
    scale = (
        {"width": image.shape[1], "height": image.shape[0]} if source.has_hr else {"width": None, "height": None}
    )
    return {"digest": digest, "flag": flag, **scale}


def _save_images(
    store: Store, source: CategorySource, name: str, image: Pixels, made: dict[int, Pixels | str]
) -> None:
    if source.has_hr:
        path = store.layout.hr(source.name, name)
        save_png(image, path)
        previews.write(previews.of_hr(store.layout, path), image)
    for factor, lr in made.items():
        if not isinstance(lr, str):
            save_png(lr, store.layout.lr(source.name, name, factor))


def _input_row(lr: Pixels | str) -> dict[str, object]:
    if isinstance(lr, str):
        return {"problem": lr, "digest": None, "width": None, "height": None}
    return {"problem": None, "digest": pixel_digest(lr), "width": lr.shape[1], "height": lr.shape[0]}


def _forget_if_changed(store: Store, key: dict[str, object], digest: object) -> None:
    """Drop an image whose pixels changed, with everything that was computed from the old ones."""
    where = "category_id = ? AND name = ? AND digest IS NOT NULL AND digest IS NOT ?"
    store.connection.execute(f"DELETE FROM images WHERE {where}", [*key.values(), digest])


def _inputs(store: Store, source: CategorySource, names: Sequence[str], factors: Sequence[int]) -> list[Input]:
    """Return the inputs, the smallest factor first, in the order of the names."""
    rows = store.rows(
        "SELECT images.name AS image, inputs.* FROM inputs JOIN images ON images.id = image_id"
        " JOIN categories ON categories.id = category_id WHERE categories.name = ?",
        source.name,
    )
    place = {name: position for position, name in enumerate(names)}
    wanted = [row for row in rows if row["image"] in place and row["factor"] in factors]
    wanted.sort(key=lambda row: (row["factor"], place[row["image"]]))
    category = Category(source.name, source.kind)
    return [
        Input(
            id=row["id"],
            category=category,
            image=row["image"],
            factor=row["factor"],
            digest=row["digest"] or "",
            lr_size=(row["height"] or 0, row["width"] or 0),
            has_hr=source.has_hr,
            problem=row["problem"],
        )
        for row in wanted
    ]
