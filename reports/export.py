"""`bench export`, and the files beside a page: every value, the leaderboards as printed, and the tests.

CSV is for programs: metrics keep their ids there, and names are quoted. It is UTF-8, with the mark that Excel
needs where a name is not ASCII.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from bench.base.errors import UsageError
from bench.base.files import write_atomically
from bench.store.results import MetricRecord, Run, open_run
from reports import text
from reports.data.comparison import Comparison
from reports.data.leaderboard import Cell, Leaderboards, Row
from reports.data.quoted import Quoted
from reports.data.scores import Scores, Slice
from reports.data.significance import ComparisonTable, PairedComparison, Significance
from reports.markup import leaderboard_latex, leaderboard_markdown

_COLUMNS = ["method", "category", "factor", "image", "metric", "value", "signature", "status", "reason"]
_LEADERBOARD = [
    *("category", "factor", "method", "metric", "signature", "value", "low", "high", "n", "done", "asked"),
    *("is_upper_bound", "note"),
]
_STATISTICS = [
    *("category", "factor", "metric", "method", "baseline", "difference", "low", "high", "p_holm", "win_rate"),
    *("rank", "rank_low", "rank_high", "detectable_difference", "n", "verdict"),
]


def export(
    run: Run | str | Path,
    path: str | Path,
    methods: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
) -> None:
    """Write a run's values to a file whose suffix says how.

    `.csv` and `.parquet` hold one row a value (and one a cell without any) at full precision, with a column
    `repeat` when cells were restored more than once; `.tex` holds the leaderboards with `booktabs` rules.

    Args:
        run: the run, or its folder.
        path: the file.
        methods: the labels or titles of those to write, in this order; None for all.
        metrics: the names of those to write, costs beside them; None for all, and what methods record too.

    Raises:
        bench.base.errors.UsageError: for any other suffix, or a method or metric that the run has not.
    """
    comparison, path = Comparison((open_run(run),), methods, metrics), Path(path)
    match path.suffix.lower():
        case ".csv":
            content = _long_csv(comparison).encode(errors="replace")
        case ".parquet":
            content = _long_table(comparison).to_parquet(index=False)
        case ".tex":
            content = leaderboard_latex(Leaderboards(Significance(Scores(comparison))).every).encode()
        case suffix:
            got, expected = suffix or "no suffix", ".csv, .parquet or .tex"
            raise UsageError(f"{path} cannot be exported", got=got, expected=expected)
    write_atomically(path, content)


def export_tables(leaderboards: Leaderboards, folder: Path) -> list[str]:
    """Write the files beside a page, with the digits that it prints: leaderboards, tests and all values.

    Returns:
        The files' names.
    """
    files = {
        "leaderboard.csv": _csv(_LEADERBOARD, _leaderboard_rows(leaderboards)),
        "leaderboard.md": leaderboard_markdown(leaderboards.every),
        "leaderboard.tex": leaderboard_latex(leaderboards.every),
        "statistics.csv": _csv(_STATISTICS, _significance_rows(leaderboards.significance)),
        "results.csv": _long_csv(leaderboards.comparison),
    }
    for name, content in files.items():
        write_atomically(folder / name, content.encode(errors="replace"))
    return list(files)


def _long_table(comparison: Comparison) -> pd.DataFrame:
    """Return the exported columns of `Run.frame`."""
    frame = comparison.frame
    if comparison.only_metrics is not None:
        names = {metric.name for metric in comparison.metrics}
        frame = frame[frame["metric"].isna() | frame["metric"].isin(names)]
    is_repeated = bool((frame["repeat"].fillna(0) > 0).any())
    return frame[[*_COLUMNS[:4], *(["repeat"] if is_repeated else []), *_COLUMNS[4:]]]


def _long_csv(comparison: Comparison) -> str:
    """Return the exported columns of `Run.frame` as CSV."""
    return _quoted_csv(_long_table(comparison))


def _significance_rows(significance: Significance) -> Iterator[list[object]]:
    for table in significance.tables:
        for entrant in table.entrants:
            yield from (_test(table, entrant.method.label, one) for one in entrant.comparisons if one)


def _csv(headings: list[str], rows: Iterable[list[object]]) -> str:
    return _quoted_csv(pd.DataFrame(rows, columns=headings, dtype=object))


def _quoted_csv(table: pd.DataFrame) -> str:
    content = table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return content if content.isascii() else f"\ufeff{content}"


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
    return [
        *_where(quoted.where),
        *names,
        text.plain(quoted.value(metric.name)),
        "",
        "",
        quoted.images or "",
        "",
        "",
        False,
        note,
    ]


def _record(row: Row, cell: Cell) -> list[object]:
    estimate, decimals = cell.estimate, cell.decimals
    numbers = [text.exact(value, decimals) for value in (estimate.value, estimate.low, estimate.high)]
    metric = (text.plain(cell.metric.name), text.plain(cell.metric.signature))
    counts = (estimate.n, row.done, row.total, row.method.is_upper_bound)
    note = "; ".join(filter(None, (row.remark, estimate.note, estimate.doubt)))
    return [text.plain(row.method.label), *metric, *numbers, *counts, text.plain(note)]


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
