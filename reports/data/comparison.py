"""One run or several as one comparison: what every table, plot and grid is drawn from."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd

from bench.base.errors import UsageError, unknown
from bench.store.results import (
    CategoryRecord,
    ImageRecord,
    MethodRecord,
    MetricRecord,
    Run,
    StrangersRecord,
    UnavailableMetric,
)
from reports.data.shares import share_of, with_shares

_Record = TypeVar("_Record")
_CELL = ["method", "category", "factor", "image", "repeat"]


class Origin(NamedTuple):
    """A run, and the label a method has there."""

    run: Run
    label: str


@dataclass(frozen=True)
class Comparison:
    """The cells of one or more runs. Where two hold the same cell, the first that is done counts.

    Args:
        runs: at least one, each with its own folder.
        only_methods: the labels or titles of those to compare, in this order; None for all.
        only_metrics: the names of those to compare by; None for all. Costs stay.

    Raises:
        bench.base.errors.UsageError: when there is no run, or a method or metric that no run has.
    """

    runs: tuple[Run, ...]
    only_methods: Sequence[str] | None = None
    only_metrics: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not self.runs:
            raise UsageError("no run to report", expected="at least one", remedy="name a run folder")
        refuse_unknown("method", self.labels_of(self.only_methods or ()), self._every_origin)
        every = [metric for run in self.runs for metric in run.metrics if metric.scope != "cost"]
        refuse_unknown("metric", self.only_metrics, {name for metric in every for name in _names(metric)})

    @property
    def folder(self) -> Path:
        """The folder of the first run."""
        return Path(self.runs[0].path)

    @cached_property
    def origins(self) -> dict[str, list[Origin]]:
        """By the label used here, where a method comes from; one label never means two methods."""
        every = self._every_origin
        if self.only_methods is None:
            return every
        return {label: every[label] for label in self.labels_of(self.only_methods)}

    def labels_of(self, names: Sequence[str]) -> list[str]:
        """Return the labels of methods that are named by label, or by title where one alone has it."""
        titles = {label: self._record(label).title for label in self._every_origin}
        shared = Counter(titles.values())
        by_title = {title: label for label, title in titles.items() if shared[title] == 1}
        return [name if name in titles else by_title.get(name, name) for name in names]

    @cached_property
    def _every_origin(self) -> dict[str, list[Origin]]:
        identities: dict[str, str] = {}
        origins: dict[str, list[Origin]] = {}
        for run in self.runs:
            for method in run.methods:
                label, turn = method.label, 1
                while identities.setdefault(label, method.identity) != method.identity:
                    turn += 1
                    label = f"{method.label} ({name_of(run)})" if turn == 2 else f"{method.label} ({turn})"
                origins.setdefault(label, []).append(Origin(run, method.label))
        return origins

    @cached_property
    def methods(self) -> list[MethodRecord]:
        """In the order of the commands, labels as used here."""
        records = [self._record(label) for label in self.origins]
        titles = [record.title for record in records]
        return [r._replace(title=r.label) if titles.count(r.title) > 1 else r for r in records]

    def _record(self, label: str) -> MethodRecord:
        run, own = self._every_origin[label][0]
        record = next(method for method in run.methods if method.label == own)
        return record._replace(label=label, title=record.title if label == own else label)

    @property
    def labels(self) -> list[str]:
        """The labels of all methods."""
        return list(self.origins)

    @property
    def ranked(self) -> list[str]:
        """The labels of the methods that compete: all but upper bounds."""
        return [method.label for method in self.methods if not method.is_upper_bound]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """`Run.frame` of all runs, labels as used here, a metric with two signatures under two names."""
        parts = []
        for index, run in enumerate(self.runs):
            names = {own: label for label, origins in self.origins.items() for one, own in origins if one is run}
            part = run.frame.assign(method=run.frame["method"].map(names), run=index)
            parts.append(part.dropna(subset="method"))
        frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
        rank = frame["run"] + len(self.runs) * frame["status"].map({"done": 0, "pending": 2}).fillna(1)
        best = rank.groupby([frame[column] for column in _CELL], dropna=False).transform("min")
        frame = with_shares(frame[rank == best].drop(columns="run").reset_index(drop=True), self._measured)
        for name, signature in self._ambiguous:
            same = (frame["metric"] == name) & (frame["signature"] == signature)
            frame.loc[same, "metric"] = f"{name} {signature}"
        return frame

    @cached_property
    def _ambiguous(self) -> list[tuple[str, str]]:
        every = [one for metric in self._measured for one in (metric, *share_of(metric))]
        keys = list(dict.fromkeys((m.name, m.signature) for m in every))
        names = [name for name, _ in keys]
        return [key for key in keys if names.count(key[0]) > 1]

    @cached_property
    def _measured(self) -> list[MetricRecord]:
        every = [metric for run in self.runs for metric in run.metrics]
        if self.only_metrics is None:
            return every
        return [metric for metric in every if metric.scope == "cost" or _names(metric) & {*self.only_metrics}]

    @cached_property
    def metrics(self) -> list[MetricRecord]:
        """Every metric of every run, its share after it; a training metric of one run is one here."""
        every = [one for metric in self._measured for one in (metric, *share_of(metric))]
        training_metrics = {(m.name, m.signature) for m in every if m.is_training_metric}
        return [
            metric._replace(
                name=f"{metric.name} {metric.signature}" if key in self._ambiguous else metric.name,
                title=f"{metric.title} {metric.signature}" if key in self._ambiguous else metric.title,
                is_training_metric=key in training_metrics,
            )
            for key, metric in {(m.name, m.signature): m for m in every}.items()
        ]

    @property
    def image_metrics(self) -> list[MetricRecord]:
        """The metrics that have a value an image."""
        return [metric for metric in self.metrics if metric.scope in ("image", "share")]

    @cached_property
    def categories(self) -> list[CategoryRecord]:
        """Every category, by name."""
        return _first((c.name, c) for run in self.runs for c in run.categories)

    @cached_property
    def images(self) -> list[ImageRecord]:
        """Every image, by category and name."""
        return _first(((i.category, i.image), i) for run in self.runs for i in run.images)

    @cached_property
    def factors(self) -> list[int]:
        """From small to large."""
        return sorted({factor for run in self.runs for factor in run.factors})

    @cached_property
    def unavailable(self) -> list[UnavailableMetric]:
        """The metrics that could not be computed, in any run."""
        return list(dict.fromkeys(metric for run in self.runs for metric in run.unavailable_metrics))

    @cached_property
    def strangers(self) -> list[StrangersRecord]:
        """What pairs of different images of a category score, by metric."""
        return _first(((one.category, one.metric), one) for run in self.runs for one in run.strangers)

    def images_of(self, category: str) -> list[ImageRecord]:
        """Return the images of a category in the order of its list."""
        return [image for image in self.images if image.category == category]

    def hr_path(self, category: str, image: str) -> Path | None:
        """Return the ground truth, or None when no run has one."""
        paths = (run.hr_path(category, image) for run in self._having(category, image))
        return next((path for path in paths if path is not None), None)

    def reference_paths(self, category: str, image: str) -> list[Path]:
        """Return what methods that see references were given beside an image, in the first run that has any."""
        paths = (run.reference_paths(category, image) for run in self._having(category, image))
        return next((references for references in paths if references), [])

    def lr_path(self, category: str, image: str, factor: int) -> Path | None:
        """Return the LR image, or None when no run made one."""
        runs = [run for run in self._having(category, image) if factor in run.factors]
        paths = (run.lr_path(category, image, factor) for run in runs)
        return next((path for path in paths if path is not None), None)

    def sr_path(self, method: str, category: str, image: str, factor: int) -> Path | None:
        """Return a restored image (of the first repeat), or None when no run has that cell done."""
        paths = (o.run.sr_path(o.label, category, image, factor) for o in self.origins[method])
        return next((path for path in paths if path is not None), None)

    def run_of(self, path: Path) -> Run:
        """Return the run that a picture lies in."""
        return next(run for run in self.runs if path.is_relative_to(run.path))

    def _having(self, category: str, image: str) -> Sequence[Run]:
        return [run for run in self.runs if (category, image) in self._held[id(run)]]

    @cached_property
    def _held(self) -> dict[int, set[tuple[str, str]]]:
        return {id(run): {(image.category, image.image) for image in run.images} for run in self.runs}


def _names(metric: MetricRecord) -> set[str]:
    return {one.name for one in (metric, *share_of(metric))}


def refuse_unknown(kind: str, names: Iterable[str] | None, present: Collection[str]) -> None:
    """Raise a UsageError for the first name that is not there, with those that are."""
    for name in names or ():
        if name not in present:
            raise unknown(kind, name, present)


def name_of(run: Run) -> str:
    """Return how a run is called: the name of its folder."""
    return Path(run.path).resolve().name


def _first(pairs: Iterable[tuple[object, _Record]]) -> list[_Record]:
    records: dict[object, _Record] = {}
    for key, record in pairs:
        records.setdefault(key, record)
    return list(records.values())
