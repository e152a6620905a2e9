"""Tables for programs, as CSV: every value, the leaderboards as printed, and the tests. Metrics keep their ids."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Cell, Leaderboards, Row
from reports.data.quoted import Quoted
from reports.data.scores import Slice
from reports.data.significance import ComparisonTable, PairedComparison, Significance

_COLUMNS = ["method", "category", "factor", "image", "metric", "value", "signature", "status", "reason"]
_LEADERBOARD = [
    *("category", "factor", "method", "metric", "signature", "value", "low", "high", "n", "done", "asked"),
    *("is_upper_bound", "note"),
]
_STATISTICS = [
    *("category", "factor", "metric", "method", "baseline", "difference", "low", "high", "p_holm", "win_rate"),
    *("rank", "rank_low", "rank_high", "detectable_difference", "n", "verdict"),
]


def long_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the exported columns of `Run.frame`."""
    is_repeated = bool((frame["repeat"].fillna(0) > 0).any())
    return frame[[*_COLUMNS[:4], *(["repeat"] if is_repeated else []), *_COLUMNS[4:]]]


def long_csv(frame: pd.DataFrame) -> bytes:
    """Return the exported columns of `Run.frame` as CSV."""
    return long_table(frame).to_csv(index=False, lineterminator="\n").encode(errors="replace")


def leaderboard_csv(leaderboards: Leaderboards) -> str:
    """Return every leaderboard as one long CSV table, the numbers as printed."""
    return _csv(_LEADERBOARD, _leaderboard_rows(leaderboards))


def significance_csv(significance: Significance) -> str:
    """Return the tests against the baseline as one long CSV table."""
    rows = (
        _test(table, entrant.method.label, comparison)
        for table in significance.tables
        for entrant in table.entrants
        for comparison in entrant.comparisons
        if comparison
    )
    return _csv(_STATISTICS, rows)


def _csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return buffer.getvalue()


def _leaderboard_rows(leaderboards: Leaderboards) -> Iterator[list[object]]:
    for board in leaderboards.every:
        for row in board.rows:
            yield from ([*_where(board.where), *_record(row, cell)] for cell in row.cells)
        for quoted in board.quoted:
            yield from (_quotation(quoted, metric) for metric in board.metrics if quoted.value(metric.name))


def _where(where: Slice) -> list[object]:
    return [text.plain(where.category) or "all", where.factor or "all"]


def _quotation(quoted: Quoted, metric: MetricRecord) -> list[object]:
    names = [text.plain(quoted.method), text.plain(metric.name), ""]
    note = text.plain(f"quoted from {quoted.source}")
    return [*_where(quoted.where), *names, text.plain(quoted.value(metric.name)), "", "", "", "", "", False, note]


def _record(row: Row, cell: Cell) -> list[object]:
    estimate, decimals = cell.estimate, cell.decimals
    numbers = [text.exact(value, decimals) for value in (estimate.value, estimate.low, estimate.high)]
    metric = (text.plain(cell.metric.name), text.plain(cell.metric.signature))
    counts = (estimate.n, row.done, row.total, row.method.is_upper_bound)
    return [text.plain(row.method.label), *metric, *numbers, *counts, text.plain(estimate.note)]


def _test(table: ComparisonTable, label: str, comparison: PairedComparison) -> list[object]:
    names = [*_where(table.where), comparison.metric.name, label, table.baseline.label]
    test = comparison.test
    results = (test.difference, test.low, test.high, test.p, test.win_rate) if test else (math.nan,) * 5
    numbers = (*results, *comparison.rank, comparison.detectable)
    return [
        *map(text.plain, names),
        *("" if math.isnan(value) else f"{value:.6g}" for value in numbers),
        *((test.n, test.verdict.value) if test else ("", "baseline")),
    ]
