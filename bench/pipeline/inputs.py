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
from bench.store.layout import png_stems
from bench.store.records import InputRecord
from bench.store.rows import ImageRow, InputRow
from bench.store.store import Store


def make_inputs(
    store: Store, source: CategorySource, limit: int | None, factors: Sequence[int], reporter: Reporter
) -> list[InputRecord]:
    """Make the HR and LR images of a category, which the store knows, that are not there yet.

    An image that cannot be used keeps its place, with the reason.

    Returns:
        All inputs that are asked for, the smallest factor first, in the order of the category's list.
    """
    names = source.list(limit)
    reporter.say(f"images of {source.name}: {len(names)} of {source.count()}")
    for remark in source.source.remarks():
        reporter.say(f"{source.name}: {remark}")
    hr = png_stems(store.layout.hr_folder(source.name))
    lr = {factor: png_stems(store.layout.lr_folder(source.name, factor)) for factor in factors}
    rows = store.inputs(source.name)
    complete = {
        (row.image, row.factor)
        for row in rows
        if row.problem is None and row.file in lr.get(row.factor, ()) and (row.file in hr or not row.has_hr)
    }
    missing = {name: [factor for factor in factors if (name, factor) not in complete] for name in names}
    pending = [name for name in names if missing[name]]
    prepared = 0
    with reporter.stage(f"images of {source.name}", len(pending)) as advance:
        for name in pending:
            ended = _make(store, source, name, missing[name])
            prepared += ended.is_prepared
            advance(f"{source.name}/{name}" + (f": {ended.problem}" if ended.problem else ""))
    if prepared:
        reporter.say(f"images of {source.name}: {prepared} of {len(pending)} prepared by {source.card.prepare}")
    rows = store.inputs(source.name) if pending else rows
    asked = [row for row in rows if row.image in missing and row.factor in factors]
    return sorted(asked, key=lambda row: (row.factor, row.position))


class _Made(NamedTuple):
    """How the making of an image ended."""

    problem: str | None
    is_prepared: bool
    """Whether it has other sides than it came with."""


def _make(store: Store, source: CategorySource, name: str, factors: Sequence[int]) -> _Made:
    """Make one image and its LR images."""
    # The stamp before the image: a file that changes meanwhile is read again by the next command.
    row = ImageRow(
        store.category_id(source.name), name, source.positions[name], source.stamp(name), source.content(name)
    )
    original = _try(lambda: source.read_original(name))
    image = original if isinstance(original, str) else _try(lambda: source.prepare(original, name))
    lrs = {factor: image if isinstance(image, str) else _lr(image, factor, source) for factor in factors}
    if not isinstance(image, str):
        row = _with_pixels(store, row, source, image)
        _save(store, source, row.file or name, image, lrs)
    with store.transaction():
        image_id = store.write_image(row)
        for factor, lr in lrs.items():
            store.write_input(_input_row(image_id, factor, lr))
    is_prepared = not isinstance(original, str) and not isinstance(image, str) and original.shape != image.shape
    return _Made(next((lr for lr in lrs.values() if isinstance(lr, str)), None), is_prepared)


def _try(call: Callable[[], Pixels]) -> Pixels | str:
    try:
        return call()
    except BenchError as error:
        return str(error)


def _lr(image: Pixels, factor: int, source: CategorySource) -> Pixels | str:
    return _try(lambda: make_lr(image, factor)) if source.has_hr else image


def _with_pixels(store: Store, row: ImageRow, source: CategorySource, image: Pixels) -> ImageRow:
    digest, expected = pixel_digest(image), source.expected_digest(row.name)
    flag = "its pixels are not those of the published image" if expected not in (None, digest) else None
    height, width = image.shape[:2] if source.has_hr else (None, None)
    file = store.free_file(row.category_id, row.name, digest)
    return row._replace(digest=digest, file=file, flag=flag, width=width, height=height)


def _save(store: Store, source: CategorySource, file: str, image: Pixels, lrs: Mapping[int, Pixels | str]) -> None:
    if source.has_hr:
        path = store.layout.hr(source.name, file)
        save_png(image, path)
        previews.write(previews.of_hr(store.layout, path), image)
    for factor, lr in lrs.items():
        if not isinstance(lr, str):
            save_png(lr, store.layout.lr(source.name, file, factor))


def _input_row(image_id: int, factor: int, lr: Pixels | str) -> InputRow:
    if isinstance(lr, str):
        return InputRow(image_id, factor, problem=lr)
    return InputRow(image_id, factor, pixel_digest(lr), width=lr.shape[1], height=lr.shape[0])
