"""The public reader of a run folder: what reports, notebooks and other tools see. It never writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.registry import METRICS
from bench.store import records
from bench.store.layout import RunLayout
from bench.store.queries import Reader
from bench.store.records import (
    CategoryRecord,
    FailedCell,
    ImageRecord,
    MethodRecord,
    MetricRecord,
    RestoredCell,
    Status,
    StrangersRecord,
    UnavailableMetric,
)
from bench.store.sets import cell_sets, paired_images, pairs_digest, set_digest
from bench.store.store import connect_read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CategoryRecord", "ImageRecord", "MethodRecord", "MetricRecord", "Run", "UnavailableMetric"]
__all__ += ["COLUMNS", "StrangersRecord", "open_run", "read_results"]

COLUMNS = ["method", "category", "factor", "image", "repeat", "metric", "value", "signature", "status", "reason"]
"""Of `Run.frame`."""

T = TypeVar("T")


def _stored(query: Callable[[Reader], T]) -> cached_property[T]:
    """What a query returns, read when it is first asked for."""
    return cached_property(lambda run: run._read(query))


@dataclass(frozen=True)
class Run:
    """A run folder, read-only.

    Args:
        path: the run folder.

    Raises:
        bench.base.errors.StoreError: when it is not a run folder.
    """

    path: str | Path
    outcomes: Mapping[Status, int] = field(default_factory=dict, compare=False)
    """How many of the cells that `bench.run` was asked for ended how; empty for a run that was only opened."""

    @property
    def layout(self) -> RunLayout:
        """The paths of the run folder."""
        return RunLayout(Path(self.path))

    def _read(self, query: Callable[[Reader], T]) -> T:
        with closing(connect_read_only(self.layout.database)) as reader:
            return query(reader)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a value, and one row (metric None) a cell without any.

        Columns: method, category, factor, image, repeat, metric, value, signature, status, reason. `method` is
        the label; set metrics have image None and n images in `reason`; cost metrics (`seconds`,
        `peak_memory_mb`, `parameters_m`, `gmacs`) and the methods' own values (`pulse:missed_eps`) are rows too.
        `status` is `done`, `error`, `timeout`, `out_of_memory`, `skipped`, or `pending` for what was asked for and
        is not restored yet; `reason` says why there is no value.

        The cells are those that the commands of the run asked for, of the images that their sources listed when
        they were last read, with the content that they had. `left_out` are the others.
        """
        import pandas as pd

        rows = [*map(tuple, self._read(Reader.frame_rows)), *self._set_rows()]
        frame = pd.DataFrame(rows, columns=[*COLUMNS, "category_id", "position", "method_id", "metric_id"])
        frame = frame.sort_values(["category_id", "factor", "position", "method_id", "repeat", "metric_id"])
        frame["value"] = frame["value"].astype(float)
        return frame[COLUMNS].reset_index(drop=True)

    def _set_rows(self) -> list[tuple[Any, ...]]:
        """Return the values of sets whose images are those of the tables."""
        rows = self._read(Reader.set_rows)
        members = {set_digest(group) for group in cell_sets(self._asked_cells)} if rows else set()
        return [
            (
                *(row["method"], row["category"], row["factor"], None, row["repeat"], row["metric"], row["value"]),
                *(row["signature"], "error" if row["value"] is None else "done"),
                f"n = {row['n']}" + (f"; {row['note']}" if row["note"] else ""),
                *(row["category_id"], -1, row["method_id"], row["metric_id"]),
            )
            for row in rows
            if row["members"] in members
        ]

    @cached_property
    def means(self) -> pd.DataFrame:
        """One row a method, category, factor and metric: `mean` over all its values, and how many there are (`n`).

        Computed by the database, on all cores: for runs whose `frame` is too large. Those of runs on parts of a
        category add up by n.
        """
        import pandas as pd

        parts = os.cpu_count() or 1
        with ThreadPoolExecutor(parts) as pool:
            sums = pool.map(lambda part: self._read(lambda reader: reader.sums(part, parts)), range(parts))
            rows = [tuple(row) for part in sums for row in part]
        names = ["method", "category", "factor", "metric"]
        frame = pd.DataFrame(rows, columns=[*names, "total", "n", "category_id", "method_id", "metric_id"])
        order = ["category_id", "factor", "method_id", "metric_id", "method", "category", "metric"]
        frame = frame.groupby(order, as_index=False).sum()
        return frame.assign(mean=frame["total"] / frame["n"])[[*names, "mean", "n"]]

    methods = _stored(Reader.methods)
    """In the order in which they first ran."""

    @cached_property
    def metrics(self) -> list[MetricRecord]:
        """In the order of the metrics registry, then costs; the methods' own values are not among them."""
        order = [*METRICS.entries(), *(cost.name for cost in records.COSTS)]
        return sorted(
            self._read(Reader.metrics),
            key=lambda record: order.index(record.name) if record.name in order else len(order),
        )

    images = _stored(Reader.images)
    """By category, in the order of its list, but for those that cannot be used or that no command asks for."""
    categories = _stored(Reader.categories)
    """In the order in which they were first used."""
    factors = _stored(Reader.factors)
    """From small to large."""

    @cached_property
    def input_digests(self) -> dict[tuple[str, int, str], str | None]:
        """By category, factor and image: the digest of the LR image's pixels, None where there is none."""
        return {(row.category, row.factor, row.image): row.digest for row in self._read(Reader.inputs)}

    status_counts = _stored(Reader.status_counts)
    """How many cells of the tables ended how."""
    pending_counts = _stored(Reader.pending_counts)
    """By method: how many cells of the tables were asked for and are not restored."""
    restored_cells = _stored(Reader.restored_cells)
    """The cells that are done, those that are in no table too."""

    @property
    def _asked_cells(self) -> list[RestoredCell]:
        return [cell for cell in self.restored_cells if cell.is_asked]

    unrestored_cells = _stored(Reader.unrestored_cells)
    """The cells of the tables that ended without an image, skipped ones too, with the reason of each."""

    unmeasured_cells = _stored(Reader.unmeasured_cells)
    """The restored cells of the tables that a metric could not measure; `status` is `no METRIC`."""

    @property
    def failed_cells(self) -> list[FailedCell]:
        """Those of them that failed."""
        return [cell for cell in self.unrestored_cells if cell.status in Status.failed()]

    left_out = _stored(Reader.left_out)
    """The restored cells that are in no table, with the reason of each."""
    files = _stored(Reader.files)
    """What lies in `hr` and `lr`."""

    @cached_property
    def strangers(self) -> list[StrangersRecord]:
        """What pairs of different images of each category score by the metrics of identity."""
        rows = self._read(Reader.strangers)
        groups = paired_images(self._asked_cells, self.images) if rows else {}
        members = {name: pairs_digest(group) for name, group in groups.items()}
        return [row for row in rows if row.pairs and row.members == members.get(row.category)]

    unavailable_metrics = _stored(Reader.unavailable_metrics)
    """The metrics that were asked for and could not be computed."""

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Constants of the run and, for each command given, its text, versions and hardware."""
        return {"constants": self._read(Reader.constants), "commands": self._read(Reader.commands)}

    def damage(self) -> list[str]:
        """Return what is wrong with the database itself."""
        return self._read(Reader.damage)

    def scores(self, metric: MetricRecord) -> dict[int, float | None]:
        """Return the values of an image metric by the ids of `restored_cells`, None where there is none."""
        return self._read(lambda reader: reader.scores(metric.name, metric.signature))

    @cached_property
    def _files(self) -> dict[tuple[str, str], str]:
        return {(record.category, record.image): record.file for record in self.images}

    def hr_path(self, category: str, image: str) -> Path | None:
        """Return the ground truth, or None in an LR-only category."""
        file = self._files.get((category, image))
        path = self.layout.hr(category, file) if file else None
        return path if path and path.is_file() else None

    def reference_paths(self, category: str, image: str) -> list[Path]:
        """Return what methods that see references were given beside an image, by name."""
        file = self._files.get((category, image))
        return sorted(self.layout.references(category, file).glob("*.png")) if file else []

    def lr_path(self, category: str, image: str, factor: int) -> Path | None:
        """Return the LR image, or None when it is not made."""
        file = self._files.get((category, image))
        path = self.layout.lr(category, file, factor) if file else None
        return path if path and path.is_file() else None

    def sr_path(self, method: str, category: str, image: str, factor: int, repeat: int = 0) -> Path | None:
        """Return a restored image by method label, or None when that cell is not done."""
        slug = next((record.slug for record in self.methods if record.label == method), None)
        file = self._files.get((category, image))
        path = self.layout.sr(slug, category, file, factor, repeat) if slug and file else None
        return path if path and path.is_file() else None


def read_results(run: str | Path | Run) -> pd.DataFrame:
    """Return every value of a run, or of the run in a folder, as one long table; see `Run.frame`.

    Raises:
        StoreError: when it is not a run folder.
    """
    return open_run(run).frame


def open_run(run: str | Path | Run) -> Run:
    """Return a run, or the one in a folder."""
    return run if isinstance(run, Run) else Run(run)
