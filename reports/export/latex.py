"""The leaderboards as LaTeX."""

from collections.abc import Sequence

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board, Cell, Row
from reports.data.metrics import heading
from reports.data.quoted import Quoted


def leaderboard_latex(boards: Sequence[Board]) -> str:
    r"""Return leaderboards as LaTeX tables for `\usepackage{booktabs}`: best bold, second underlined."""
    return "\n".join(_table(board) for board in boards)


def _table(board: Board) -> str:
    metrics = [metric for metric in board.metrics if metric.scope != "cost"]
    heads = [text.tex(heading(metric)) for metric in metrics]
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{text.tex(board.where.place)}: means over {board.common} of {board.total} images.}}",
        f"\\begin{{tabular}}{{l{'r' * len(heads)}}}",
        r"\toprule",
        " & ".join(["Method", *heads]) + r" \\",
        r"\midrule",
    ]
    ranked = [row for row in board.rows if not row.method.is_upper_bound]
    bounds = [row for row in board.rows if row.method.is_upper_bound]
    lines += [_row(row) for row in ranked]
    lines += [r"\midrule", *(_row(row) for row in bounds)] if bounds else []
    quoted = [_quotation(one, metrics) for one in board.quoted]
    lines += [r"\midrule", *quoted] if quoted else []
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _row(row: Row) -> str:
    cells = [_cell(cell) for cell in row.cells if cell.metric.scope != "cost"]
    return " & ".join([text.tex(row.method.title), *cells]) + r" \\"


def _quotation(quoted: Quoted, metrics: Sequence[MetricRecord]) -> str:
    name = f"{text.tex(quoted.method)} \\textit{{(quoted: {text.tex(quoted.source)})}}"
    cells = [text.tex(quoted.value(metric.name) or text.MISSING) for metric in metrics]
    return " & ".join([name, *cells]) + r" \\"


def _cell(cell: Cell) -> str:
    value = text.tex(cell.value)
    return f"\\textbf{{{value}}}" if cell.is_best else f"\\underline{{{value}}}" if cell.is_second else value
