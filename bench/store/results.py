"""The public reader of a run folder: what reports, notebooks and other tools see. It never writes."""

from __future__ import annotations

import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bench import metrics
from bench.base.errors import StoreError
from bench.base.metric import Better
from bench.metrics.cost import COSTS
from bench.store.layout import RunLayout
from bench.store.store import connect_read_only, damage_named


class MethodRecord(NamedTuple):
    """A method as it ran."""

    label: str
    """Its name in every table: `pulse[steps=200]`, or the user's own."""
    title: str
    slug: str
    identity: str
    options: dict[str, Any]
    is_upper_bound: bool
    training_metrics: tuple[str, ...]
    notes: str


class MetricRecord(NamedTuple):
    """A metric as it was computed."""

    name: str
    signature: str
    better: Better
    scope: str
    """`image`, `set` or `cost`."""
    unit: str
    is_training_metric: bool
    """Whether the training of any method of this run used its network."""


class ImageRecord(NamedTuple):
    """An image of a category."""

    category: str
    image: str
    width: int
    height: int
    has_hr: bool
    flag: str | None
    """Why it is not the published image, or None."""


class CategoryRecord(NamedTuple):
    """A category as it was used."""

    name: str
    title: str
    kind: str | None
    about: str
    """What a reader must know: the plain words on sampled faces, say."""
    licence: str


class UnavailableMetric(NamedTuple):
    """Something that was asked for and could not be had."""

    name: str
    reason: str
    remedy: str


COLUMNS = [
    "method",
    "category",
    "factor",
    "image",
    "repeat",
    "metric",
    "value",
    "signature",
    "status",
    "reason",
]

_CELLS = """
SELECT methods.label AS method, categories.name AS category, inputs.factor, images.name AS image, cells.repeat,
       {values}, cells.status, COALESCE({reason}, cells.reason) AS reason,
       methods.id AS m, categories.id AS c, images.position AS p
FROM cells JOIN methods ON methods.id = method_id JOIN inputs ON inputs.id = input_id
JOIN images ON images.id = image_id JOIN categories ON categories.id = category_id {join}
WHERE is_current
"""
_VALUES = _CELLS.format(
    values="metrics.name AS metric, scores.value, metrics.signature, metrics.id AS k",
    reason="scores.reason",
    join="JOIN scores ON scores.cell_id = cells.id JOIN metrics ON metrics.id = metric_id",
)
_EMPTY = (
    _CELLS.format(
        values="NULL AS metric, NULL AS value, NULL AS signature, 0 AS k", reason="NULL", join=""
    ).rstrip()
    + " AND NOT EXISTS (SELECT 1 FROM scores WHERE cell_id = cells.id)"
)
_SETS = """
SELECT methods.label AS method, categories.name AS category, factor, NULL AS image, repeat, metrics.name AS metric,
       value, metrics.signature, metrics.id AS k, CASE WHEN value IS NULL THEN 'error' ELSE 'done' END AS status,
       'n = ' || n || COALESCE('; ' || note, '') AS reason, methods.id AS m, categories.id AS c, -1 AS p
FROM set_scores JOIN methods ON methods.id = method_id JOIN categories ON categories.id = category_id
JOIN metrics ON metrics.id = metric_id WHERE is_current
"""


_SUMS = """
SELECT methods.label AS method, categories.name AS category, factor, metrics.name AS metric, total, n,
       category_id AS c, method_id AS m, metric_id AS k
FROM (
    SELECT ((method_id * 100000 + category_id) * 1000 + factor) * 1000 + metric_id AS place,
           method_id, category_id, factor, metric_id, SUM(value) AS total, COUNT(value) AS n
    FROM scores JOIN cells ON cells.id = cell_id JOIN inputs ON inputs.id = input_id
    JOIN images ON images.id = image_id WHERE cell_id > ? AND cell_id <= ? GROUP BY place
) JOIN methods ON methods.id = method_id JOIN categories ON categories.id = category_id
JOIN metrics ON metrics.id = metric_id WHERE is_current AND n
"""
"""Grouped by one number, which sorts five million values in half the time of four."""


@dataclass(frozen=True)
class Run:
    """A run folder, read-only.

    Args:
        path: the run folder.

    Raises:
        bench.base.errors.StoreError: when it is not a run folder.
    """

    path: str | Path

    @property
    def layout(self) -> RunLayout:
        """The paths of the run folder."""
        return RunLayout(Path(self.path))

    def query(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Run a query on the database, read-only."""
        with closing(connect_read_only(self.layout.database)) as connection, damage_named(self.layout.database):
            return connection.execute(sql, values).fetchall()

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a value, and one row (metric None) a cell without any.

        Columns: method, category, factor, image, repeat, metric, value, signature, status, reason. `method` is
        the label; set metrics have image None and n images in `reason`; cost metrics (`seconds`,
        `peak_memory_mb`, `parameters_m`, `gmacs`) and the methods' own values (`pulse:missed_eps`) are rows too.
        `status` is `done`, `error`, `timeout`, `out_of_memory` or `skipped`; `reason` says why there is no value.
        """
        columns = [*COLUMNS, "m", "c", "p", "k"]
        found = [
            tuple(row[name] for name in columns) for sql in (_VALUES, _EMPTY, _SETS) for row in self.query(sql)
        ]
        frame = pd.DataFrame(found, columns=columns).sort_values(["c", "factor", "p", "m", "repeat", "k"])
        frame["value"] = frame["value"].astype(float)
        return frame[COLUMNS].reset_index(drop=True)

    @cached_property
    def means(self) -> pd.DataFrame:
        """One row a method, category, factor and metric: `mean` over all its values, and how many there are (`n`).

        Computed by the database, on all cores: for runs whose `frame` is too large. Those of runs on parts of a
        category add up by n.
        """
        last = self.query("SELECT COALESCE(MAX(id), 0) FROM cells")[0][0]
        parts = os.cpu_count() or 1
        cuts = pairwise(last * part // parts for part in range(parts + 1))
        with ThreadPoolExecutor(parts) as pool:
            sums = [tuple(row) for found in pool.map(lambda cut: self.query(_SUMS, *cut), cuts) for row in found]
        names = ["method", "category", "factor", "metric"]
        frame = pd.DataFrame(sums, columns=[*names, "total", "n", "c", "m", "k"])
        frame = frame.groupby(["c", "factor", "m", "k", *names[:2], names[3]], as_index=False).sum()
        return frame.assign(mean=frame["total"] / frame["n"])[[*names, "mean", "n"]]

    @cached_property
    def methods(self) -> list[MethodRecord]:
        """In the order in which they first ran."""
        return [
            MethodRecord(
                label=row["label"],
                title=row["title"],
                slug=row["slug"],
                identity=row["identity"],
                options=json.loads(row["options"]),
                is_upper_bound=bool(row["sees_hr"]),
                training_metrics=tuple(json.loads(row["training_metrics"])),
                notes=row["notes"],
            )
            for row in self.query("SELECT * FROM methods WHERE is_current ORDER BY id")
        ]

    @cached_property
    def metrics(self) -> list[MetricRecord]:
        """In the order of the metrics registry, then costs; the methods' own values are not among them."""
        training_metrics = {name for method in self.methods for name in method.training_metrics}
        found = [
            MetricRecord(
                row["name"],
                row["signature"],
                Better(row["better"]),
                row["scope"],
                row["unit"],
                row["name"] in training_metrics,
            )
            for row in self.query("SELECT * FROM metrics WHERE scope != 'value'")
        ]
        order = [*metrics.discover(), *(cost.name for cost in COSTS)]
        return sorted(found, key=lambda metric: order.index(metric.name) if metric.name in order else len(order))

    @cached_property
    def images(self) -> list[ImageRecord]:
        """By category, in the order of its list; images that could not be used are not among them."""
        rows = self.query(
            "SELECT categories.name AS category, images.name AS image, images.width, images.height, has_hr, flag"
            " FROM images JOIN categories ON categories.id = category_id WHERE images.digest IS NOT NULL"
            " ORDER BY categories.id, position"
        )
        return [ImageRecord(*row) for row in rows]

    @cached_property
    def categories(self) -> list[CategoryRecord]:
        """In the order in which they were first used."""
        rows = self.query("SELECT name, title, kind, about, licence FROM categories ORDER BY id")
        return [CategoryRecord(*row) for row in rows]

    @cached_property
    def factors(self) -> list[int]:
        """From small to large."""
        return [row[0] for row in self.query("SELECT DISTINCT factor FROM inputs ORDER BY factor")]

    @cached_property
    def input_digests(self) -> dict[tuple[str, int, str], str | None]:
        """By category, factor and image: the digest of the LR image's pixels, None where there is none."""
        rows = self.query(
            "SELECT categories.name, factor, images.name, inputs.digest FROM inputs"
            " JOIN images ON images.id = image_id JOIN categories ON categories.id = category_id"
        )
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    @cached_property
    def unavailable(self) -> list[UnavailableMetric]:
        """The metrics that were asked for and could not be computed."""
        return [
            UnavailableMetric(*row)
            for row in self.query("SELECT name, reason, remedy FROM unavailable_metrics ORDER BY name")
        ]

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Constants of the run and, for each command given, its text, versions and hardware."""
        commands = [json.loads(row[0]) for row in self.query("SELECT record FROM commands ORDER BY id")]
        return {
            "constants": {
                row["name"]: row["value"] for row in self.query("SELECT * FROM constants ORDER BY name")
            },
            "commands": commands,
        }

    def hr_path(self, category: str, image: str) -> Path | None:
        """Return the ground truth, or None in an LR-only category."""
        path = self.layout.hr(category, image)
        return path if path.is_file() else None

    def lr_path(self, category: str, image: str, factor: int) -> Path:
        """Return the LR image."""
        return self.layout.lr(category, image, factor)

    def sr_path(self, method: str, category: str, image: str, factor: int, repeat: int = 0) -> Path | None:
        """Return a restored image by method label, or None when that cell is not done."""
        slug = next((record.slug for record in self.methods if record.label == method), None)
        path = self.layout.sr(slug, category, image, factor, repeat) if slug else None
        return path if path and path.is_file() else None


def latest_run(root: Path = Path("runs")) -> Path:
    """Return the run folder that was written last.

    Raises:
        StoreError: when there is none.
    """
    found = [path.parent for path in root.glob("*/results.db")]
    if not found:
        raise StoreError(f"there is no run in {root.resolve()}", remedy="name one, or make one with `bench run`")
    return max(found, key=lambda path: (path / "results.db").stat().st_mtime)
