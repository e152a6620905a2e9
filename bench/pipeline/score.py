"""`bench score`: reads the saved PNGs back and measures them; a value that is there is not computed again."""

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from bench.assets.fetch import is_here
from bench.base.device import usable_device
from bench.base.errors import Unavailable
from bench.base.metric import ImageMetric, SetMetric, SetValue
from bench.base.progress import Reporter
from bench.pipeline.measure import measure_images, measure_sets
from bench.pipeline.plan import checked_redo, metric_names
from bench.pipeline.strangers import PAIRED_IMAGES, pairs_of_strangers
from bench.registry import METRICS
from bench.store.latest import remember
from bench.store.layout import RunLayout
from bench.store.records import MetricRecord, Redo, RestoredCell, UnavailableMetric
from bench.store.results import Run, open_run
from bench.store.rows import Score, SetScore
from bench.store.sets import CellSet, cell_sets, set_digest
from bench.store.store import Store, connect_read_only

K = TypeVar("K")


def score(
    run: str | Path | Run,
    metrics: Sequence[str] | None = None,
    *,
    device: str = "auto",
    redo: Redo | None = None,
    console: Console | None = None,
) -> Run:
    """Compute the metrics that a run does not have yet, and return the run.

    Args:
        run: a run, or its folder.
        metrics: names; None for those that `bench list metrics` calls default.
        device: `auto`, `cpu` or `cuda`.
        redo: `failed` or `all`, to compute again what is there.
        console: where to report progress; None reports nothing.

    Raises:
        UsageError: when an argument cannot be used.
        StoreError: when it is not a run folder, or is in use.
    """
    folder = Path(open_run(run).path)
    names, usable = metric_names(metrics), usable_device(device)
    connect_read_only(RunLayout(folder).database).close()  # a store would make the folder
    with Store(folder) as store:
        score_cells(store, names, usable, checked_redo(redo), Reporter(console))
    remember(folder)
    return Run(folder)


def score_cells(store: Store, names: Sequence[str], device: str, redo: Redo | None, reporter: Reporter) -> None:
    """Compute every value of these metrics that is not in the store yet.

    A metric that cannot be had is noted with its reason and remedy; it is tried again when its files are there, or
    with `redo`.
    """
    scoring = _Scoring(store, device, redo, reporter)
    cells = [cell for cell in store.restored_cells() if cell.is_asked]
    for name in names:
        metric = METRICS.create(name)
        measurable = [cell for cell in cells if _applies(metric, cell)]
        if isinstance(metric, ImageMetric):
            scoring.score_images(metric, measurable)
            scoring.score_strangers(metric, measurable)
        else:
            scoring.score_sets(metric, measurable)


def _applies(metric: ImageMetric | SetMetric, cell: RestoredCell) -> bool:
    """Say whether a metric means something for a cell."""
    fits = metric.kinds is None or cell.kind is None or cell.kind in metric.kinds
    return fits and (cell.has_hr or (isinstance(metric, ImageMetric) and metric.reference != "hr"))


@dataclass(frozen=True)
class _Scoring:
    """What all metrics of one scoring share."""

    store: Store
    device: str
    redo: Redo | None
    reporter: Reporter

    def score_images(self, metric: ImageMetric, cells: Sequence[RestoredCell]) -> None:
        """Write the missing values of an image metric."""
        finished = self._finished(self.store.scores(metric.name, metric.signature))
        pending = [cell for cell in cells if cell.cell_id not in finished]
        metric_id = self._load(metric, "image") if pending else None
        if metric_id is None:
            return
        with self.reporter.stage(f"score {metric.name}", len(pending)) as advance:
            for group in measure_images(metric, self.store.layout, pending):
                with self.store.transaction():
                    self.store.write_scores(
                        Score(cell.cell_id, metric_id, value, reason) for cell, value, reason in group
                    )
                for cell, value, reason in group:
                    advance(f"{cell}: {reason if value is None else f'{value:.4f}'}")

    def score_strangers(self, metric: ImageMetric, cells: Sequence[RestoredCell]) -> None:
        """Write what pairs of different HR images of each category score, for a metric of identity."""
        metric_id = self.store.metric_id(metric.name, metric.signature)
        if metric.threshold is None or metric_id is None:
            return
        written = self.store.strangers_members(metric_id)
        values = self.store.scores(metric.name, metric.signature)  # without one there may be no person to see
        measured = [cell for cell in cells if cell.has_hr and values.get(cell.cell_id) is not None]
        first = [*{(cell.category_id, cell.image): cell for cell in measured}.values()]
        for category_id in dict.fromkeys(cell.category_id for cell in first):
            group = [cell for cell in first if cell.category_id == category_id][:PAIRED_IMAGES]
            members = hashlib.sha256(
                "|".join(self._hr_digests[cell.category, cell.image] for cell in group).encode()
            )
            is_written = written.get(category_id) == members.hexdigest()
            if len(group) < 2 or is_written or self._load(metric, "image") is None:
                continue
            if record := pairs_of_strangers(metric, self.store.layout, group):
                with self.store.transaction():
                    self.store.write_strangers(category_id, metric_id, record, members.hexdigest())

    @cached_property
    def _hr_digests(self) -> dict[tuple[str, str], str]:
        return {(image.category, image.image): image.digest for image in self.store.images()}

    def score_sets(self, metric: SetMetric, cells: Sequence[RestoredCell]) -> None:
        """Write the values of a set metric for every set whose images changed since it was last computed."""
        finished = self._finished(self.store.set_scores(metric.name, metric.signature))
        pending = [group for group in cell_sets(cells) if set_digest(group) not in finished]
        metric_id = self._load(metric, "set") if pending else None
        if metric_id is None:
            return
        with self.reporter.stage(f"score {metric.name}", len(pending)) as advance:
            for group, result in measure_sets(metric, self.store.layout, pending):
                value, note = (result.value, result.note) if isinstance(result, SetValue) else (None, result)
                with self.store.transaction():
                    self.store.write_set_score(_set_score(group, metric_id, value, note))
                where = f"{group[0].method} {group[0].category} x{group[0].factor}"
                advance(f"{where}: {note if value is None else f'{value:.4f}'}")

    def _finished(self, values: Mapping[K, float | None]) -> set[K]:
        """Return what a metric need not measure again."""
        if self.redo == "all":
            return set()
        return {key for key, value in values.items() if value is not None or self.redo is None}

    def _load(self, metric: ImageMetric | SetMetric, scope: str) -> int | None:
        """Load a metric's networks and return its id, or note why they cannot be had."""
        import torch

        from bench.workers import determinism

        is_noted = any(noted.name == metric.name for noted in self.store.unavailable_metrics())
        if is_noted and not self.redo and not all(is_here(asset) for asset in metric.assets()):
            return None
        determinism.enable()
        try:
            metric.load(torch.device(self.device))
        except Unavailable as error:
            self._note_unavailable(metric.name, error)
            return None
        about = metric.about or (inspect.getdoc(type(metric)) or "").partition("\n")[0]
        record = MetricRecord(
            name=metric.name,
            title=metric.title or metric.name,
            signature=metric.signature,
            better=metric.better,
            scope=scope,
            unit=metric.unit,
            about=about,
            threshold=getattr(metric, "threshold", None),
        )
        with self.store.transaction():
            self.store.note_available(metric.name)
            return self.store.register_metric(record)

    def _note_unavailable(self, name: str, error: Unavailable) -> None:
        reason = str(Unavailable(error.what, got=error.got, expected=error.expected))
        self.reporter.say(f"metric {name} is unavailable: {error}")
        with self.store.transaction():
            self.store.note_unavailable(UnavailableMetric(name, reason, error.remedy or ""))


def _set_score(group: CellSet, metric_id: int, value: float | None, note: str | None) -> SetScore:
    first = group[0]
    key = (first.method_id, first.category_id, first.factor, first.repeat, metric_id)
    return SetScore(*key, value, len(group), note, set_digest(group))
