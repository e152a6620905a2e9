"""`bench score`: reads the saved PNGs back and measures them; a value that is there is not computed again."""

import inspect
import os
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from bench.assets.fetch import is_here
from bench.base.device import cores, usable_device
from bench.base.errors import Unavailable
from bench.base.metric import ImageMetric, SetMetric, SetValue
from bench.base.progress import Reporter
from bench.pipeline.measure import score_jobs
from bench.pipeline.plan import Executor, checked_redo, find_executor, metric_names
from bench.pipeline.sets import Sets
from bench.pipeline.strangers import Strangers
from bench.registry import METRICS
from bench.store.latest import remember
from bench.store.layout import RunLayout
from bench.store.records import MetricRecord, Redo, RestoredCell, UnavailableMetric
from bench.store.results import Run, open_run
from bench.store.rows import Score, SetScore
from bench.store.sets import CellSet, cell_sets, paired_images, set_digest
from bench.store.store import Store, connect_read_only
from bench.workers.jobs import Settings
from bench.workers.roles import scorer
from bench.workers.score_job import NEEDS, Measurement, ScoreJob, Scores

K = TypeVar("K")


def score(
    run: str | Path | Run,
    metrics: Sequence[str] | None = None,
    *,
    device: str = "auto",
    executor: str = "local",
    workers: int | None = None,
    address: str | None = None,
    gpus_per_worker: float | None = None,
    redo: Redo | None = None,
    console: Console | None = None,
) -> Run:
    """Compute the metrics that a run does not have yet, and return the run.

    Workers have the threads that the run was made with.

    Args:
        run: a run, or its folder.
        metrics: names; None for those that `bench list metrics` calls default.
        device: `auto`, `cpu` or `cuda`.
        executor: `local` for workers on this machine, `ray` for those of Ray, here or on a cluster.
        workers: how many work at a time; None for one locally, and for as many as fit with Ray.
        address: of a running Ray cluster; None starts Ray on this machine.
        gpus_per_worker: the share of a GPU that a Ray worker holds; None for one whole on `cuda`.
        redo: `failed` or `all`, to compute again what is there.
        console: where to report progress; None reports nothing.

    Raises:
        UsageError: when an argument cannot be used.
        Unavailable: when Ray is not here.
        StoreError: when it is not a run folder, or is in use.
    """
    folder = Path(open_run(run).path)
    names, usable = metric_names(metrics), usable_device(device)
    connect_read_only(RunLayout(folder).database).close()  # a store would make the folder
    with find_executor(executor, workers, address, gpus_per_worker, usable) as where, Store(folder) as store:
        threads = int(store.constants().get("threads", cores()))
        settings = Settings(usable, threads, None, os.getcwd())  # noqa: PTH109
        score_cells(store, names, where, settings, redo=checked_redo(redo), reporter=Reporter(console))
    remember(folder)
    return Run(folder)


def score_cells(
    store: Store,
    names: Sequence[str],
    executor: Executor,
    settings: Settings,
    *,
    redo: Redo | None,
    reporter: Reporter,
) -> None:
    """Compute every value of these metrics that is not in the store yet, image by image.

    A metric that cannot be had is noted with its reason and remedy; it is tried again when its files are there, or
    with `redo`.
    """
    scoring = _Scoring(store, redo, reporter)
    for name in names:
        scoring.add(name)
    jobs = scoring.jobs()
    if not jobs:
        return
    role, settings = scorer([*scoring.pending]), settings._replace(timeout=None, needs=NEEDS)
    title, total = f"score {', '.join(scoring.pending)}", sum(len(job.cells) for job in jobs)
    with executor.scorers(role, settings, len(jobs)) as pool, reporter.stage(title, total) as advance:
        for job, answer in pool.work_in_order(jobs):
            scores = answer if isinstance(answer, Scores) else job.failed(answer.reason)
            scoring.keep(job, scores)
            for line in scoring.lines(job, scores):
                advance(line)


@dataclass
class _Pending:
    """What one metric has to measure yet."""

    metric: ImageMetric | SetMetric
    cells: set[int]
    images: set[int]
    """Of which it is to describe HR."""
    sets: Sets | None = None
    strangers: Sequence[Strangers] = ()
    metric_id: int | None = None


class _Scoring:
    """What all metrics of one scoring have to measure, and how it is written."""

    def __init__(self, store: Store, redo: Redo | None, reporter: Reporter) -> None:
        self.store, self.redo, self.reporter = store, redo, reporter
        self.cells = {cell.cell_id: cell for cell in store.restored_cells() if cell.is_asked}
        self.pending: dict[str, _Pending] = {}

    def add(self, name: str) -> None:
        """Find what a metric has to measure."""
        metric = METRICS.create(name)
        cells = [cell for cell in self.cells.values() if _applies(metric, cell)]
        by_category = {cell.category: cell for cell in self.cells.values()}
        for category in sorted(by_category.keys() - {cell.category for cell in cells}):
            why = _why_not(metric, by_category[category])
            self.reporter.say(f"metric {metric.name} says nothing of {category}: {why}")
        if self._is_known_to_lack(metric):
            return
        pending = self._of_sets(metric, cells) if isinstance(metric, SetMetric) else self._of_images(metric, cells)
        if pending.cells or pending.images:
            self.pending[name] = pending

    def _is_known_to_lack(self, metric: ImageMetric | SetMetric) -> bool:
        is_noted = any(noted.name == metric.name for noted in self.store.unavailable_metrics())
        return is_noted and not self.redo and not all(is_here(asset) for asset in metric.assets())

    def _of_images(self, metric: ImageMetric, cells: Sequence[RestoredCell]) -> _Pending:
        values = self.store.scores(metric.name, metric.signature)
        finished = self._finished(values)
        pending = {cell.cell_id for cell in cells} - finished
        # In a category without any value there may be no person to see.
        seen = {cell.category for cell in cells if cell.cell_id in pending or values[cell.cell_id] is not None}
        strangers = [] if metric.threshold is None else self._strangers(metric, seen)
        return _Pending(metric, pending, {image for one in strangers for image in one.images}, strangers=strangers)

    def _strangers(self, metric: ImageMetric, categories: Container[str]) -> list[Strangers]:
        """Return those of the categories of whose images no pairs were compared yet."""
        written = {(row.category, row.metric, row.signature): row.members for row in self.store.strangers()}
        uncompared = []
        for category, group in self._pairs.items():
            strangers = Strangers(metric, category, group)
            is_written = written.get((category, metric.name, metric.signature)) == strangers.members
            if category in categories and len(group) > 1 and not is_written:
                uncompared.append(strangers)
        return uncompared

    @cached_property
    def _pairs(self) -> dict[str, dict[int, str]]:
        return paired_images(self.cells.values(), self.store.images())

    def _of_sets(self, metric: SetMetric, cells: Sequence[RestoredCell]) -> _Pending:
        finished = self._finished(self.store.set_scores(metric.name, metric.signature))
        sets = Sets(metric, [group for group in cell_sets(cells) if set_digest(group) not in finished])
        return _Pending(metric, {*sets.cells}, {*sets.images}, sets)

    def _finished(self, values: Mapping[K, float | None]) -> set[K]:
        """Return what a metric need not measure again."""
        if self.redo == "all":
            return set()
        return {key for key, value in values.items() if value is not None or self.redo is None}

    def jobs(self) -> list[ScoreJob]:
        """Return what the workers have to do, an image each."""
        measured = {name: one.cells for name, one in self.pending.items()}
        described = {name: one.images for name, one in self.pending.items()}
        return score_jobs(self.store.layout, self.cells.values(), measured, described)

    def keep(self, job: ScoreJob, scores: Scores) -> None:
        """Write what was measured in an image."""
        for name, error in scores.unavailable.items():
            if pending := self.pending.pop(name, None):
                self._note_unavailable(pending.metric.name, error)
        with self.store.transaction():
            for name, pending in self.pending.items():
                cells = {
                    cell.cell_id: scores.measurements[name, cell.cell_id]
                    for cell in job.cells
                    if name in cell.metrics
                }
                hr = scores.measurements.get((name, None))
                if cells or hr:
                    self._write(pending, job.image_id, cells, hr or Measurement())

    def _write(self, pending: _Pending, image_id: int, cells: Mapping[int, Measurement], hr: Measurement) -> None:
        metric_id = self._metric_id(pending)
        if pending.sets is None:
            self.store.write_scores(
                Score(cell_id, metric_id, *measurement) for cell_id, measurement in cells.items()
            )
        else:
            for group, result in pending.sets.take(image_id, hr, cells):
                self._write_set(group, metric_id, result)
        for strangers in pending.strangers:
            if record := strangers.take(image_id, hr):
                self.store.write_strangers(metric_id, record)

    def _write_set(self, group: CellSet, metric_id: int, result: SetValue | str) -> None:
        value, note = (result.value, result.note) if isinstance(result, SetValue) else (None, result)
        first = group[0]
        key = (first.method_id, first.category_id, first.factor, first.repeat, metric_id)
        self.store.write_set_score(SetScore(*key, value, len(group), note, set_digest(group)))

    def _metric_id(self, pending: _Pending) -> int:
        """Return the id of a metric, which is written with its first value."""
        if pending.metric_id is None:
            metric, scope = pending.metric, "image" if pending.sets is None else "set"
            about = metric.about or (inspect.getdoc(type(metric)) or "").partition("\n")[0]
            title, threshold = metric.title or metric.name, getattr(metric, "threshold", None)
            record = MetricRecord(
                metric.name,
                title,
                metric.signature,
                metric.better,
                scope,
                metric.unit,
                about=about,
                threshold=threshold,
            )
            self.store.note_available(metric.name)
            pending.metric_id = self.store.register_metric(record)
        return pending.metric_id

    def _note_unavailable(self, name: str, error: Unavailable) -> None:
        reason = str(Unavailable(error.what, got=error.got, expected=error.expected))
        self.reporter.say(f"metric {name} is unavailable: {error}")
        with self.store.transaction():
            self.store.note_unavailable(UnavailableMetric(name, reason, error.remedy or ""))

    def lines(self, job: ScoreJob, scores: Scores) -> Iterator[str]:
        """Yield what was measured in each result, for a log."""
        for cell in job.cells:
            of_cell = {
                name: scores.measurements[name, cell.cell_id] for name in cell.metrics if name in self.pending
            }
            words = [f"{name} {_words(one)}" for name, one in of_cell.items()]
            yield f"{self.cells[cell.cell_id]}: {', '.join(words) or 'no value'}"


def _applies(metric: ImageMetric | SetMetric, cell: RestoredCell) -> bool:
    """Say whether a metric means something for a cell."""
    return _fits(metric, cell) and (cell.has_hr or (isinstance(metric, ImageMetric) and metric.reference != "hr"))


def _fits(metric: ImageMetric | SetMetric, cell: RestoredCell) -> bool:
    return metric.kinds is None or cell.kind is None or cell.kind in metric.kinds


def _why_not(metric: ImageMetric | SetMetric, cell: RestoredCell) -> str:
    if not _fits(metric, cell):
        return f"it is for {', '.join(metric.kinds or ())}"
    return "it compares with a ground truth, and there is none"


def _words(measurement: Measurement) -> str:
    if measurement.reason:
        return f"({measurement.reason})"
    return f"{measurement.value:.4f}" if isinstance(measurement.value, float) else "described"
