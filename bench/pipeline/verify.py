"""Whether a run is still what it was: every image hashed again, every value of an image computed again."""

import math
from collections.abc import Iterator, Set
from pathlib import Path

from bench.base.device import cores
from bench.base.errors import BenchError, one_line
from bench.base.metric import ImageMetric
from bench.base.progress import Reporter
from bench.images.png import load_png, pixel_digest
from bench.pipeline.measure import reference_path, score_jobs
from bench.registry import METRICS
from bench.store.records import MetricRecord
from bench.store.results import Run
from bench.workers.jobs import Settings
from bench.workers.score_job import Measurement
from bench.workers.scorer import Scorer

TOLERANCE = 1e-5
"""How far, relatively, a value may lie from the one that another machine computed."""


def verify(run: Run, reporter: Reporter) -> Iterator[str]:
    """Yield a sentence for each file and value of a run that is not what the run says it is.

    Files are compared by the digest of their pixels. Values are computed again on the CPU and may differ by
    `TOLERANCE`; metrics that are unavailable, have another signature by now, or describe a whole set are reported
    and passed over. Nothing is written.

    Raises:
        StoreError: when it is no run, or its database is damaged.
    """
    if damage := run.damage():
        yield f"{run.layout.database}: {'; '.join(damage)}"
    damaged: set[Path] = set()
    files = list(dict.fromkeys(_files(run)))
    with reporter.stage("files", len(files)) as advance:
        for path, digest in files:
            if problem := _mismatch(path, digest):
                damaged.add(path)
                yield f"{path}: {problem}"
            advance(str(path))
    yield from _values(run, damaged, reporter)


def _files(run: Run) -> Iterator[tuple[Path, str]]:
    """Yield the path of each image that a run recorded, and the digest of its pixels."""
    layout = run.layout
    for record in run.files:
        hr = layout.hr(record.category, record.file)
        files = [(hr, record.digest)] if record.has_hr else []
        if record.factor and record.lr_digest:
            files.append((layout.lr(record.category, record.file, record.factor), record.lr_digest))
        yield from files
    for cell in run.restored_cells:
        yield layout.sr_of(cell), cell.digest


def _mismatch(path: Path, recorded: str) -> str | None:
    try:
        digest = pixel_digest(load_png(path))
    except FileNotFoundError:
        return "it is missing"
    except Exception as error:  # what a damaged PNG raises is of many kinds
        return f"it cannot be read: {one_line(error)}"
    return None if digest == recorded else "its pixels are not those that the run recorded"


def _values(run: Run, damaged: Set[Path], reporter: Reporter) -> Iterator[str]:
    cells = {cell.cell_id: cell for cell in run.restored_cells}
    recorded = {}
    for record in run.metrics:
        if record.scope == "set":
            reporter.say(f"{record.name} describes whole sets; it is not computed again")
        elif record.scope == "image" and (metric := _same(record, reporter)):
            values = run.scores(record)
            recorded[record.name] = {
                cell.cell_id: values[cell.cell_id] or 0.0
                for cell in cells.values()
                if values.get(cell.cell_id) is not None
                and damaged.isdisjoint({run.layout.sr_of(cell), reference_path(metric, run.layout, cell)})
            }
    scorer = Scorer([*recorded], Settings("cpu", cores(), None, ""))
    for name, error in scorer.unavailable.items():
        reporter.say(f"{name} is not computed again: {error}")
        del recorded[name]
    jobs = score_jobs(run.layout, cells.values(), recorded, {})
    with reporter.stage(", ".join(recorded), sum(len(job.cells) for job in jobs)) as advance:
        for job in jobs:
            measurements = scorer.answer(job).measurements
            for cell in job.cells:
                for name in cell.metrics:
                    where = f"{cells[cell.cell_id]}: {name}"
                    yield from _difference(where, measurements[name, cell.cell_id], recorded[name][cell.cell_id])
                advance(str(cells[cell.cell_id]))


def _same(record: MetricRecord, reporter: Reporter) -> ImageMetric | None:
    """Return the metric of a record, if it is still what it was."""
    name, signature = record.name, record.signature
    try:
        metric = METRICS.create(name)
    except BenchError as error:
        reporter.say(f"{name} is not computed again: {error}")
        return None
    if metric.signature != signature or not isinstance(metric, ImageMetric):
        reporter.say(f"{name} is not computed again: it was {signature}, and is {metric.signature} by now")
        return None
    return metric


def _difference(where: str, measurement: Measurement, recorded: float) -> Iterator[str]:
    value, reason = measurement
    if value is None:
        yield f"{where} is {recorded:.6g} in the run, and cannot be computed: {reason}"
    elif not math.isclose(value, recorded, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        yield f"{where} is {value:.6g}, the run says {recorded:.6g}"
