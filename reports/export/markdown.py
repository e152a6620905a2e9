"""The leaderboards as Markdown."""

from collections.abc import Iterable, Sequence

from reports import text
from reports.data.leaderboard import Board, Cell
from reports.data.metrics import heading


def leaderboard_markdown(boards: Sequence[Board]) -> str:
    """Return leaderboards as Markdown: the best bold, the second in italics."""
    return "\n\n".join("\n".join(_table(board)) for board in boards) + "\n"


def _table(board: Board) -> list[str]:
    heads = ["method", "done", *(heading(metric) for metric in board.metrics)]
    lines = [f"## {text.markdown(board.where.place)}", ""]
    lines += [_line(text.markdown(head) for head in heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    for row in board.rows:
        name = text.markdown(row.method.title) + (" (upper bound)" if row.method.is_upper_bound else "")
        lines.append(_line([name, f"{row.done}/{row.total}", *map(_emphasised, row.cells)]))
    for quoted in board.quoted:
        name = f"{text.markdown(quoted.method)} (quoted: {text.markdown(quoted.source)})"
        values = [text.markdown(quoted.value(metric.name)) or text.MISSING for metric in board.metrics]
        lines.append(_line([name, "", *values]))
    return [*lines, "", f"Means over {board.common} of {board.total} images."]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _emphasised(cell: Cell) -> str:
    return f"**{cell.value}**" if cell.is_best else f"*{cell.value}*" if cell.is_second else cell.value
