"""The first stage of a run: HR and LR images, made once, saved, and known by their pixels."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bench.base.errors import BenchError
from bench.base.progress import Reporter
from bench.base.types import Pixels
from bench.categories.category import CategorySource
from bench.images import previews
from bench.images.degradation import make_lr
from bench.images.png import pixel_digest, save_png
from bench.store.records import CategoryRecord, ImageRow, InputRecord, InputRow
from bench.store.store import Store


def make_inputs(
    store: Store, source: CategorySource, limit: int | None, factors: Sequence[int], reporter: Reporter
) -> list[InputRecord]:
    """Make the HR and LR images of a category that are not there yet.

    An image that cannot be used keeps its place, with the reason.

    Returns:
        All inputs that are asked for, the smallest factor first, in the order of the category's list.
    """
    category_id = _register(store, source)
    positions = {name: position for position, name in enumerate(source.list(limit))}
    reporter.say(f"images of {source.name}: {len(positions)} of {source.count()}")
    for remark in source.source.remarks():
        reporter.say(f"{source.name}: {remark}")
    pending = _pending(store, source, positions, factors)
    cropped = 0
    with reporter.stage(f"images of {source.name}", len(pending)) as advance:
        for name in pending:
            made = _make(store, source, ImageRow(category_id, name, positions[name]), factors)
            cropped += made.is_cropped
            advance(f"{source.name}/{name}" + (f": {made.problem}" if made.problem else ""))
    if cropped:
        reporter.say(f"images of {source.name}: {cropped} of {len(pending)} cropped ({source.card.prepare})")
    asked = [row for row in store.inputs(source.name) if row.image in positions and row.factor in factors]
    return sorted(asked, key=lambda row: (row.factor, positions[row.image]))


def _register(store: Store, source: CategorySource) -> int:
    texts = (source.name, source.card.title, source.card.kind, source.card.about, source.card.licence)
    with store.transaction():
        return store.register_category(CategoryRecord(*texts, source.digest, source.has_hr))


def _pending(store: Store, source: CategorySource, names: Mapping[str, int], factors: Sequence[int]) -> list[str]:
    """Return the images of which something is not there, or may have changed."""
    usable = [row for row in store.inputs(source.name) if row.problem is None]
    stamps = {(row.image, row.factor): row.stamp for row in usable}

    def is_made(name: str, factor: int) -> bool:
        hr, lr = store.layout.hr(source.name, name), store.layout.lr(source.name, name, factor)
        is_same = stamps.get((name, factor)) == source.stamp(name)
        return is_same and lr.is_file() and (hr.is_file() or not source.has_hr)

    return [name for name in names if not all(is_made(name, factor) for factor in factors)]


class _Made(NamedTuple):
    """How the making of an image ended."""

    problem: str | None
    is_cropped: bool


def _make(store: Store, source: CategorySource, row: ImageRow, factors: Sequence[int]) -> _Made:
    """Make one image and its LR images."""
    original = _try(lambda: source.read_original(row.name))
    image = original if isinstance(original, str) else _try(lambda: source.prepare(original, row.name))
    lrs = {factor: image if isinstance(image, str) else _lr(image, factor, source) for factor in factors}
    row = row._replace(stamp=source.stamp(row.name))
    if not isinstance(image, str):
        row = _with_pixels(row, source, image)
        _save(store, source, row.name, image, lrs)
    with store.transaction():
        image_id = store.write_image(row)
        for factor, lr in lrs.items():
            store.write_input(_input_row(image_id, factor, lr))
    is_cropped = not isinstance(original, str) and not isinstance(image, str) and original.shape != image.shape
    return _Made(next((lr for lr in lrs.values() if isinstance(lr, str)), None), is_cropped)


def _try(call: Callable[[], Pixels]) -> Pixels | str:
    try:
        return call()
    except BenchError as error:
        return str(error)


def _lr(image: Pixels, factor: int, source: CategorySource) -> Pixels | str:
    return _try(lambda: make_lr(image, factor)) if source.has_hr else image


def _with_pixels(row: ImageRow, source: CategorySource, image: Pixels) -> ImageRow:
    digest, expected = pixel_digest(image), source.expected_digest(row.name)
    flag = "its pixels are not those of the published image" if expected not in (None, digest) else None
    height, width = image.shape[:2] if source.has_hr else (None, None)
    return row._replace(digest=digest, flag=flag, width=width, height=height)


def _save(store: Store, source: CategorySource, name: str, image: Pixels, lrs: Mapping[int, Pixels | str]) -> None:
    if source.has_hr:
        path = store.layout.hr(source.name, name)
        save_png(image, path)
        previews.write(previews.of_hr(store.layout, path), image)
    for factor, lr in lrs.items():
        if not isinstance(lr, str):
            save_png(lr, store.layout.lr(source.name, name, factor))


def _input_row(image_id: int, factor: int, lr: Pixels | str) -> InputRow:
    if isinstance(lr, str):
        return InputRow(image_id, factor, problem=lr)
    return InputRow(image_id, factor, pixel_digest(lr), width=lr.shape[1], height=lr.shape[0])
