"""The tables as files beside the page: CSV, Markdown and LaTeX, with the digits that the page prints."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.base.files import write_atomically
from bench.store.results import MetricRecord
from reports.data.comparison import is_lower_better
from reports.data.leaderboard import Board, Cell, Row, Tables
from reports.data.quoted import Quoted
from reports.data.scores import EVERY, Slice
from reports.data.significance import Duel, Duels, Tournament
from reports.page import text

HEADINGS = (
    "category",
    "factor",
    "method",
    "metric",
    "signature",
    "value",
    "low",
    "high",
    "n",
    "done",
    "asked",
    "is_upper_bound",
    "note",
)

TEST_HEADINGS = (
    "category",
    "factor",
    "metric",
    "method",
    "baseline",
    "difference",
    "low",
    "high",
    "p_holm",
    "win_rate",
    "rank",
    "rank_low",
    "rank_high",
    "detectable_difference",
    "n",
    "verdict",
)


def write(tables: Tables, duels: Duels, folder: Path) -> list[str]:
    """Write the leaderboards, the tests and the long table of all values, and return the files' names."""
    from reports.export.frame import long_table

    results = long_table(tables.comparison.frame).to_csv(index=False, lineterminator="\n")
    files = {
        "leaderboard.csv": as_csv(tables),
        "leaderboard.md": as_markdown([*tables.boards, *tables.overall]),
        "leaderboard.tex": as_tex([*tables.boards, *tables.overall]),
        "statistics.csv": statistics(duels),
        "results.csv": results,
    }
    for name, content in files.items():
        write_atomically(folder / name, content.encode(errors="replace"))
    return list(files)


def as_csv(tables: Tables) -> str:
    """Return every leaderboard as one long CSV table, the numbers as printed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADINGS)
    for board in [*tables.boards, *tables.overall]:
        for row in board.rows:
            writer.writerows([*_where(board.where), *_record(row, cell)] for cell in row.cells)
        for quoted in board.quoted:
            writer.writerows(_quotation(quoted, metric) for metric in board.metrics if quoted.value(metric.name))
    return buffer.getvalue()


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


def statistics(duels: Duels) -> str:
    """Return the tests against the baseline as one long CSV table."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(TEST_HEADINGS)
    for tournament in duels.tournaments:
        for one in tournament.contestants:
            writer.writerows(_test(tournament, one.method.label, duel) for duel in one.duels if duel)
    return buffer.getvalue()


def _test(tournament: Tournament, label: str, duel: Duel) -> list[object]:
    names = [*_where(tournament.where), duel.metric.name, label, tournament.baseline.label]
    pair = duel.paired
    tested = (pair.difference, pair.low, pair.high, pair.p, pair.win_rate) if pair else ("",) * 5
    numbers = (*tested, *duel.rank, duel.detectable)
    texts = [value if isinstance(value, str) else "" if math.isnan(value) else f"{value:.6g}" for value in numbers]
    return [
        *map(text.plain, names),
        *texts,
        *((pair.n, pair.verdict.value) if pair else ("", "baseline")),
    ]


def as_markdown(boards: Sequence[Board]) -> str:
    """Return the leaderboards as Markdown: the best bold, the second in italics."""
    parts = []
    for board in boards:
        heads = ["method", "done", *(_head(metric) for metric in board.metrics)]
        lines = [f"## {text.markdown(_place(board.where))}", ""]
        lines += [_line(text.markdown(head) for head in heads), _line(["---", *["---:"] * (len(heads) - 1)])]
        for row in board.rows:
            name = text.markdown(row.method.title) + (" (upper bound)" if row.method.is_upper_bound else "")
            lines.append(_line([name, f"{row.done}/{row.total}", *map(_emphasised, row.cells)]))
        for quoted in board.quoted:
            name = f"{text.markdown(quoted.method)} (quoted: {text.markdown(quoted.source)})"
            values = [text.markdown(quoted.value(metric.name)) or text.MISSING for metric in board.metrics]
            lines.append(_line([name, "", *values]))
        parts.append("\n".join([*lines, "", f"Means over {board.common} of {board.total} images."]))
    return "\n\n".join(parts) + "\n"


def _place(where: Slice) -> str:
    factor = f"at {text.enlarged(where.factor)}" if where.factor != EVERY else "over all factors"
    return f"{where.category or 'all categories'} {factor}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(metric: MetricRecord) -> str:
    arrow = "↓" if is_lower_better(metric) else "↑"
    return f"{metric.name}{'†' if metric.is_training_metric else ''} {arrow}"


def _emphasised(cell: Cell) -> str:
    return f"**{cell.value}**" if cell.is_best else f"*{cell.value}*" if cell.is_second else cell.value


def as_tex(boards: Sequence[Board]) -> str:
    r"""Return the leaderboards as LaTeX tables for `\usepackage{booktabs}`: best bold, second underlined."""
    return "\n".join(_tex_table(board) for board in boards)


def _tex_table(board: Board) -> str:
    metrics = [metric for metric in board.metrics if metric.scope != "cost"]
    arrows = {True: r"$\downarrow$", False: r"$\uparrow$"}
    heads = [
        f"{text.tex(metric.name)}{text.tex('†') if metric.is_training_metric else ''} {arrows[is_lower_better(metric)]}"
        for metric in metrics
    ]
    place = text.tex(_place(board.where)).replace(text.TIMES, r"$\times$")
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{place}: means over {board.common} of {board.total} images.}}",
        f"\\begin{{tabular}}{{l{'r' * len(heads)}}}",
        r"\toprule",
        " & ".join(["Method", *heads]) + r" \\",
        r"\midrule",
    ]
    ranked = [row for row in board.rows if not row.method.is_upper_bound]
    bounds = [row for row in board.rows if row.method.is_upper_bound]
    lines += [_tex_row(row) for row in ranked]
    lines += [r"\midrule", *(_tex_row(row) for row in bounds)] if bounds else []
    quoted = [_tex_quotation(one, metrics) for one in board.quoted]
    lines += [r"\midrule", *quoted] if quoted else []
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _tex_row(row: Row) -> str:
    cells = [_tex_cell(cell) for cell in row.cells if cell.metric.scope != "cost"]
    return " & ".join([text.tex(row.method.title), *cells]) + r" \\"


def _tex_quotation(quoted: Quoted, metrics: Sequence[MetricRecord]) -> str:
    name = f"{text.tex(quoted.method)} \\textit{{(quoted: {text.tex(quoted.source)})}}"
    cells = [text.tex(quoted.value(metric.name) or text.MISSING) for metric in metrics]
    return " & ".join([name, *cells]) + r" \\"


def _tex_cell(cell: Cell) -> str:
    value = text.tex(cell.value) if cell.value == text.MISSING else cell.value.replace("∞", r"$\infty$")
    return f"\\textbf{{{value}}}" if cell.is_best else f"\\underline{{{value}}}" if cell.is_second else value
