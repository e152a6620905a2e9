"""Whether a run is still what it was: every image hashed again, every value of an image computed again."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import metrics
from bench.base.errors import BenchError, one_line
from bench.base.metric import ImageMetric
from bench.base.progress import Reporter
from bench.images.png import load_png, pixel_digest
from bench.store.results import Run
from bench.store.store import Status

TOLERANCE = 1e-5
"""How far, relatively, a value may lie from the one that another machine computed."""


class _File(NamedTuple):
    path: Path
    digest: str


class _Value(NamedTuple):
    """A stored value, and the cell that it is of."""

    slug: str
    category: str
    image: str
    factor: int
    repeat: int
    value: float

    @property
    def cell(self) -> str:
        repeat = f", repeat {self.repeat}" if self.repeat else ""
        return f"{self.slug} {self.category}/{self.image} x{self.factor}{repeat}"


def verify(run: Run, reporter: Reporter) -> Iterator[str]:
    """Yield a sentence for each file and value of a run that is not what the run says it is.

    Files are compared by the digest of their pixels. Values are computed again on the CPU and may differ by
    `TOLERANCE`; those of metrics that are unavailable, have another signature by now, or describe a whole set are
    told and passed over. Nothing is written.

    Raises:
        StoreError: when it is no run, or its database is damaged.
    """
    yield from _database(run)
    damaged: set[Path] = set()
    files = list(_files(run))
    with reporter.stage("files", len(files)) as stage:
        for file in files:
            if problem := _mismatch(file):
                damaged.add(file.path)
                yield f"{file.path}: {problem}"
            stage.advance(str(file.path))
    for name, signature in run.query("SELECT DISTINCT name, signature FROM metrics WHERE scope = 'image'"):
        yield from _values(run, name, signature, damaged, reporter)
    for (name,) in run.query("SELECT DISTINCT name FROM metrics WHERE scope = 'set'"):
        reporter.say(f"{name} describes whole sets; it is not computed again")


def _database(run: Run) -> Iterator[str]:
    answers = [row[0] for row in run.query("PRAGMA integrity_check")]
    if answers != ["ok"]:
        yield f"{run.layout.database}: {'; '.join(answers)}"


def _files(run: Run) -> Iterator[_File]:
    layout = run.layout
    named = "SELECT categories.name, images.name, {} FROM images JOIN categories ON categories.id = category_id {}"
    for category, image, digest in run.query(
        named.format("images.digest", "WHERE has_hr AND images.digest IS NOT NULL")
    ):
        yield _File(layout.hr(category, image), digest)
    inputs = "JOIN inputs ON images.id = image_id"
    for category, image, factor, digest in run.query(
        named.format("factor, inputs.digest", f"{inputs} WHERE inputs.digest IS NOT NULL")
    ):
        yield _File(layout.lr(category, image, factor), digest)
    cells = f"{inputs} JOIN cells ON inputs.id = input_id JOIN methods ON methods.id = method_id"
    for category, image, slug, factor, repeat, digest in run.query(
        named.format("slug, factor, repeat, cells.digest", f"{cells} WHERE status = ?"), Status.DONE
    ):
        yield _File(layout.sr(slug, category, image, factor, repeat), digest)


def _mismatch(file: _File) -> str | None:
    try:
        found = pixel_digest(load_png(file.path))
    except FileNotFoundError:
        return "it is missing"
    except Exception as error:  # what a damaged PNG raises is of many kinds
        return f"it cannot be read: {one_line(error)}"
    return None if found == file.digest else "its pixels are not those that the run recorded"


def _values(run: Run, name: str, signature: str, damaged: set[Path], reporter: Reporter) -> Iterator[str]:
    metric = _loaded(name, signature, reporter)
    if metric is None:
        return
    rows = run.query(
        "SELECT slug, categories.name, images.name, factor, repeat, value FROM scores"
        " JOIN metrics ON metrics.id = metric_id JOIN cells ON cells.id = cell_id"
        " JOIN methods ON methods.id = method_id JOIN inputs ON inputs.id = input_id"
        " JOIN images ON images.id = image_id JOIN categories ON categories.id = category_id"
        " WHERE metrics.name = ? AND signature = ? AND value IS NOT NULL ORDER BY images.id, factor",
        name,
        signature,
    )
    groups: dict[Path | None, list[_Value]] = defaultdict(list)
    for value in (_Value(*row) for row in rows):
        path = run.layout.reference(metric.reference, value.category, value.image, value.factor)
        groups[path].append(value)
    with reporter.stage(name, len(rows)) as stage:
        for path, group in groups.items():
            usable = path not in damaged
            features = metric.features(load_png(path)) if path and usable else None
            for value in group:
                sr = run.layout.sr(value.slug, value.category, value.image, value.factor, value.repeat)
                if usable and sr not in damaged:
                    yield from _difference(metric, sr, features, value)
                stage.advance(value.cell)


def _loaded(name: str, signature: str, reporter: Reporter) -> ImageMetric | None:
    import torch

    from bench.workers import determinism

    determinism.enable()
    try:
        metric = metrics.create(name)
        metric.load(torch.device("cpu"))
    except BenchError as error:
        reporter.say(f"{name} is not computed again: {error}")
        return None
    if metric.signature != signature or not isinstance(metric, ImageMetric):
        reporter.say(f"{name} is not computed again: it was {signature}, and is {metric.signature} by now")
        return None
    return metric


def _difference(metric: ImageMetric, sr: Path, features: Any, value: _Value) -> Iterator[str]:
    try:
        found = float(metric.compare(load_png(sr), features, value.factor))
    except Exception as error:
        told = f"{metric.name} is {value.value:.6g} in the run, and cannot be computed: {one_line(error)}"
        yield f"{value.cell}: {told}"
        return
    if not math.isclose(found, value.value, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        yield f"{value.cell}: {metric.name} is {found:.6g}, the run says {value.value:.6g}"
