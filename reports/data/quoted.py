"""Rows quoted from papers: shown beside the measured ones, marked, ranked nowhere, compared with nothing."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.base.errors import UsageError, unknown
from bench.base.toml import build
from reports.data.scores import Scores, Slice


@dataclass(frozen=True)
class Quoted:
    """A row of a paper's table, the numbers as they stand there."""

    method: str
    source: str
    """Where it stands: `Chan et al., CVPR 2021, table 2`."""
    category: str
    factor: int
    values: Mapping[str, Any]
    """By the name of a metric."""

    def value(self, metric: str) -> str:
        """Return a number as it was written, empty when the paper has none."""
        return str(self.values.get(metric, ""))

    @property
    def where(self) -> Slice:
        """The leaderboard that it stands in."""
        return Slice(self.category, self.factor)


def read(path: Path | None, scores: Scores) -> list[Quoted]:
    """Read the tables `[[row]]` of a TOML file: method, source, category, factor and `values.METRIC`.

    Args:
        path: the file; no rows when None.
        scores: whose metrics may have values, and in whose leaderboards rows may stand.

    Raises:
        bench.base.errors.UsageError: when it cannot be read, or names no metric or leaderboard of these.
    """
    if path is None:
        return []
    try:
        # A float is kept as its text: 26.80 must not become 26.8.
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=str)
    except (OSError, ValueError) as error:
        raise UsageError(f"quoted rows {path} cannot be read: {error}") from error
    rows = content.pop("row", [])
    if content or not isinstance(rows, list):
        raise UsageError(f"{path} holds something other than rows", got=", ".join(content), expected="[[row]]")
    metrics = [metric.name for metric in scores.comparison.metrics]
    return [_row(row, path, metrics, scores.slices) for row in rows]


def _row(row: Mapping[str, Any], path: Path, metrics: Sequence[str], slices: Sequence[Slice]) -> Quoted:
    quoted = build(Quoted, {**row, "values": row.get("values", {})}, f"a row of {path}")
    for name in quoted.values:
        if name not in metrics:
            raise unknown(f"metric in {path}", name, metrics)
    if quoted.where not in slices:
        places = [f"{where.category} {where.factor}" for where in slices]
        raise unknown(f"category and factor in {path}", f"{quoted.category} {quoted.factor}", places)
    return quoted
