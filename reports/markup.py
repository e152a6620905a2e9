"""The leaderboards as LaTeX and as Markdown."""

from collections.abc import Iterable, Sequence

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board, Cell, Row
from reports.data.metrics import heading
from reports.data.significance import TIE_RULE

_MARKS = "Bold: the best; underlined: the second."
_COLUMNS = 5
"""Of numbers at most that fit one column of two; a wider table takes both."""


def leaderboard_latex(boards: Sequence[Board]) -> str:
    r"""Return leaderboards as LaTeX tables for `\usepackage{booktabs}`: best bold, second underlined."""
    tables = "\n".join(_latex_table(board) for board in boards)
    return f"% needs \\usepackage{{booktabs}}\n{text.tex_needs(tables)}{tables}"


def leaderboard_markdown(boards: Sequence[Board]) -> str:
    """Return leaderboards as Markdown: the best bold, the second in italics."""
    return "\n\n".join("\n".join(_markdown_table(board)) for board in boards) + "\n"


def _latex_table(board: Board) -> str:
    heads = ["$n$", *(text.tex(_heading(metric)) for metric in board.quality)]
    kind = "table" if len(heads) <= _COLUMNS else "table*"
    lines = [
        f"\\begin{{{kind}}}",
        r"\centering",
        *([r"\small"] if kind == "table*" else []),
        f"\\caption{{{text.tex(board.where.place)}. {text.tex(_extent(board))} {_MARKS}}}",
        f"\\begin{{tabular}}{{l{'r' * len(heads)}}}",
        r"\toprule",
        _latex_line(["Method", *heads]),
        r"\midrule",
    ]
    ranked = [row for row in board.rows if not row.method.is_upper_bound]
    bounds = [row for row in board.rows if row.method.is_upper_bound]
    lines += [_latex_row(row) for row in ranked]
    lines += [r"\midrule", *(_latex_row(row) for row in bounds)] if bounds else []
    lines += [r"\midrule"] if board.quoted else []
    for quoted in board.quoted:
        name = f"{text.tex(quoted.method)} \\textit{{(quoted: {text.tex(quoted.source)})}}"
        cells = [text.tex(quoted.value(metric.name) or text.MISSING) for metric in board.quality]
        lines.append(_latex_line([name, str(quoted.images or ""), *cells]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", f"\\end{{{kind}}}", ""])


def _heading(metric: MetricRecord) -> str:
    """Return the head of a metric's column, with its unit."""
    return heading(metric) + (f" ({metric.unit})" if metric.unit else "")


def _extent(board: Board) -> str:
    cells = [cell for row in board.rows for cell in row.cells]
    otherwise = ", where n says nothing else" if any(cell.n for cell in cells) else ""
    ties = f" ≈: {TIE_RULE}." if any(cell.is_tied for cell in cells) else ""
    lacking = f" {text.MISSING}: no value." if any(cell.value == text.MISSING for cell in cells) else ""
    return f"Means over {board.common} of {board.total} images{otherwise}.{ties}{lacking}"


def _latex_row(row: Row) -> str:
    cells = [_latex_cell(cell) for cell in row.quality]
    remark = f" \\textit{{({text.tex(row.remark)})}}" if row.remark else ""
    return _latex_line([text.tex(row.method.title) + remark, str(row.n), *cells])


def _latex_line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex_cell(cell: Cell) -> str:
    value = text.tex(cell.value)
    marked = f"\\textbf{{{value}}}" if cell.is_best else f"\\underline{{{value}}}" if cell.is_second else value
    tied = r"$\approx$" if cell.is_tied else ""
    return f"{tied}{marked} {{\\scriptsize {cell.n}}}" if cell.n else tied + marked


def _markdown_table(board: Board) -> list[str]:
    heads = ["method", "done", "n", *map(_heading, board.metrics)]
    lines = [f"## {text.markdown(board.where.place)}", ""]
    lines.append(markdown_line(text.markdown(head) for head in heads))
    lines.append(markdown_line(["---", *["---:"] * (len(heads) - 1)]))
    for row in board.rows:
        name = text.markdown(row.method.title) + (" (upper bound)" if row.method.is_upper_bound else "")
        name += f" ({text.markdown(row.remark)})" if row.remark else ""
        lines.append(markdown_line([name, f"{row.done}/{row.total}", str(row.n), *map(_markdown_cell, row.cells)]))
    for quoted in board.quoted:
        name = f"{text.markdown(quoted.method)} (quoted: {text.markdown(quoted.source)})"
        values = [text.markdown(quoted.value(metric.name)) or text.MISSING for metric in board.metrics]
        lines.append(markdown_line([name, "", str(quoted.images or ""), *values]))
    is_doubtful = any(cell.estimate.doubt for row in board.rows for cell in row.cells)
    doubt = " ~: no pass had the machine to itself." if is_doubtful else ""
    return [*lines, "", _extent(board) + doubt]


def markdown_line(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _markdown_cell(cell: Cell) -> str:
    marked = f"**{cell.value}**" if cell.is_best else f"*{cell.value}*" if cell.is_second else cell.value
    tied = "≈ " if cell.is_tied else "~" if cell.estimate.doubt else ""
    return f"{tied}{marked} ({cell.n})" if cell.n else tied + marked
