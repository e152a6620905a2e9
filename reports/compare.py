"""`bench compare`: what differs between two runs, and whether a change of the values is more than chance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench.statistics import PairedTest, compare
from bench.store.results import MetricRecord, Run
from reports import text
from reports.data.scores import Slice

_KEY = ["category", "factor", "image"]


class Change(NamedTuple):
    """A method's values of one metric in the new run against those in the old one, on the same inputs."""

    where: Slice
    method: str
    metric: MetricRecord
    old: float
    """The mean over the inputs that both runs have."""
    new: float
    test: PairedTest
    largest: float
    """The largest change of an image."""
    decimals: int

    @property
    def is_same(self) -> bool:
        """Whether no image's value differs."""
        return not self.largest


@dataclass(frozen=True)
class Changes:
    """Two runs, side by side.

    Args:
        old: the run that came before.
        new: the other one.
    """

    old: Run
    new: Run

    @cached_property
    def sentences(self) -> list[str]:
        """What differs besides the values: the conditions, the methods, the inputs, and which cells are done."""
        return [*self._constants(), *self._methods(), *self._inputs(), *self._states()]

    def _constants(self) -> Iterator[str]:
        old, new = (run.provenance["constants"] for run in (self.old, self.new))
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield f"{name}: {old.get(name, 'not recorded')} → {new.get(name, 'not recorded')}"

    def _methods(self) -> Iterator[str]:
        old, new = ({method.label: method for method in run.methods} for run in (self.old, self.new))
        yield from (f"{label}: only in the old run" for label in old if label not in new)
        yield from (f"{label}: only in the new run" for label in new if label not in old)
        for label in old:
            if label in new and old[label].identity != new[label].identity:
                before, after = old[label].options, new[label].options
                names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
                options = ", ".join(f"{name} {before.get(name)} → {after.get(name)}" for name in names)
                yield f"{label}: {f'other options: {options}' if options else 'its source or its weights changed'}"

    def _inputs(self) -> Iterator[str]:
        old, new = self.old.input_digests, self.new.input_digests
        changed = sum(old[key] != new[key] for key in old.keys() & new.keys())
        counts = {
            "in both runs, but with other pixels and therefore not compared": changed,
            "only in the old run": len(old.keys() - new.keys()),
            "only in the new run": len(new.keys() - old.keys()),
        }
        yield from (f"{text.count(n, 'input')} {what}" for what, n in counts.items() if n)

    def _states(self) -> Iterator[str]:
        columns = ["method", *_KEY]
        old, new = (
            self._cells(run).drop_duplicates(columns).set_index(columns)["status"] for run in (self.old, self.new)
        )
        both = pd.concat([old, new], axis=1, keys=["old", "new"]).dropna()
        moved = both[both["old"] != both["new"]].reset_index()
        for (method, before, after), rows in moved.groupby(["method", "old", "new"], sort=False):
            yield f"{method}: {text.count(len(rows), 'cell')} {before} → {after}".replace("_", " ")

    @cached_property
    def shared_inputs(self) -> set[tuple[str, int, str]]:
        """The category, factor and image of the inputs that have the same pixels in both runs."""
        old, new = self.old.input_digests, self.new.input_digests
        return {key for key in old.keys() & new.keys() if old[key] == new[key] and old[key] is not None}

    def _cells(self, run: Run) -> pd.DataFrame:
        return run.frame[run.frame["image"].notna()]

    def _values(self, run: Run) -> dict[tuple[Slice, tuple[str, str]], pd.DataFrame]:
        """Return values by slice, and metric and signature: images by methods, repeats averaged."""
        frame = self._cells(run)
        frame = frame[frame["value"].notna() & np.isfinite(frame["value"])]
        same = [key in self.shared_inputs for key in zip(*(frame[name] for name in _KEY), strict=True)]
        keys = ["category", "factor", "metric", "signature"]
        means = frame[same].groupby([*keys, "image", "method"], sort=False)["value"].mean()
        groups: Any = means.groupby(level=keys, sort=False)
        return {(Slice(*key[:2]), key[2:]): part.droplevel(keys).unstack("method") for key, part in groups}

    @cached_property
    def values(self) -> list[Change]:
        """Every method's change by every metric of both runs; p-values are Holm's within a table."""
        old, new = (self._values(run) for run in (self.old, self.new))
        records = {(m.name, m.signature): m for m in self.new.metrics if m.scope == "image"}
        return [
            change
            for where, metric in old
            if (where, metric) in new and metric in records
            for change in _changes(where, records[metric], old[where, metric], new[where, metric])
        ]


def _changes(where: Slice, metric: MetricRecord, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[Change]:
    labels = [label for label in old.columns if label in new.columns]
    both = pd.concat([old[labels], new[labels]], axis=1, keys=["old", "new"]).dropna()
    if both.empty:
        return
    before, after = both["old"][labels], both["new"][labels]
    differences = after.to_numpy() - before.to_numpy()
    tests = compare(differences, np.zeros(len(differences)), metric.better)
    decimals = text.digits(np.concatenate([before.to_numpy().ravel(), after.to_numpy().ravel()]), metric.unit)
    for label, test, column in zip(labels, tests, differences.T, strict=True):
        means = (float(before[label].mean()), float(after[label].mean()))
        yield Change(where, str(label), metric, *means, test, float(np.abs(column).max()), decimals)


def as_row(change: Change) -> Mapping[str, str]:
    """Return a change as printed, by heading."""
    test, decimals = change.test, change.decimals
    interval = f"{text.signed(test.low, decimals)} to {text.signed(test.high, decimals)}" if test.n > 1 else ""
    return {
        "category": text.plain(change.where.category),
        "factor": text.enlarged(change.where.factor),
        "method": text.plain(change.method),
        "metric": text.plain(change.metric.title),
        "old": text.number(change.old, decimals),
        "new": text.number(change.new, decimals),
        "change": text.signed(test.difference, decimals),
        "95 %": interval,
        "p": "" if change.is_same else f"{test.p:.4f}",
        "n": str(test.n),
        "verdict": "the same" if change.is_same else test.verdict.value,
    }
