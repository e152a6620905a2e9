"""What the page says about numbers, in plain sentences: one place for every tooltip and note."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from bench.statistics import PairedTest, RankInterval, Verdict
from bench.store.results import MethodRecord, MetricRecord
from reports.data.comparison import Comparison
from reports.data.leaderboard import Board, Cell
from reports.data.quoted import Quoted
from reports.data.scores import EVERY, Slice
from reports.data.significance import Duel, Tournament
from reports.page import text

DETAILS = ("rank", "95 % interval", "p", "wins", "detectable")
MARKS = {Verdict.BETTER: " ▲", Verdict.WORSE: " ▼", Verdict.UNDECIDED: "", Verdict.TOO_SMALL: ""}


class Told(NamedTuple):
    """A duel as the page shows it."""

    value: str
    rank: str
    tip: str
    style: str
    sort: float
    details: str = ""
    """One a kind in `DETAILS`, with | between them."""


def listed(words: Sequence[str]) -> str:
    """Join words as in a sentence: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def place(where: Slice, comparison: Comparison, parts: Sequence[Slice]) -> str:
    """Name a slice: a category at a factor, over its factors, or everything."""
    titles = {category.name: category.title for category in comparison.categories}
    category = text.plain(titles.get(where.category, "All categories"))
    factors = [text.enlarged(factor) for factor in sorted({part.factor for part in parts})]
    return f"{category} {'over' if len(factors) > 1 else 'at'} {listed(factors)}"


def means(board: Board) -> str:
    """Say over which images the means of a leaderboard are taken."""
    compared = sum(not row.method.is_upper_bound and row.method.label not in board.absent for row in board.rows)
    completed = "completed at every factor" if board.where.factor == EVERY else "completed"
    if not compared:
        return f"No method {completed} any of {text.count(board.total, 'image')}."
    whose = (
        f"that the method {completed}" if compared == 1 else f"that all {compared} compared methods {completed}"
    )
    if board.common:
        sentence = f"Means over {board.common} of {text.count(board.total, 'image')}: those {whose}."
    else:
        sentence = (
            f"No image was {completed} by all {compared} compared methods, so there are no means to compare."
        )
    each = " Each image counts once, with its mean over the factors." if board.where.factor == EVERY else ""
    absent = [text.plain(text.short(label)) for label in board.absent]
    lacking = "Not restored at every factor" if board.where.factor == EVERY else "Without any result here"
    return f"{sentence}{each} {lacking}: {listed(absent)}." if absent else sentence + each


def classes(cell: Cell) -> str:
    """Return the CSS classes of a number."""
    flags = {"best": cell.is_best, "second": cell.is_second, "none": cell.value == text.MISSING}
    return " ".join([cell.metric.scope, *(name for name, is_set in flags.items() if is_set)])


def tip(cell: Cell, method: MethodRecord) -> str:
    """Say everything about a number: interval, n, direction, signature, and what qualifies it."""
    metric, estimate = cell.metric, cell.estimate
    value = f"{cell.value} {metric.unit}".strip() if cell.value != text.MISSING else "no value"
    interval = f", 95 % interval {cell.interval}" if cell.interval else ""
    lines = [
        f"{text.short(method.title, 60)} · {metric.name}: {value}{interval}",
        f"n = {text.count(estimate.n, 'image')}; {metric.better.value} is better",
        f"signature {metric.signature}",
        estimate.note,
        "† a method of this run was trained with this network" if metric.is_training_metric else "",
    ]
    return "\n".join(text.plain(line) for line in lines if line)


def quote(quoted: Quoted, metric: MetricRecord) -> str:
    """Say where a quoted number stands, and that it is no measurement of this run."""
    value = quoted.value(metric.name) or "no value"
    whose = f"{text.short(quoted.method, 60)} · {metric.name}: {value}, quoted from {quoted.source}"
    return text.plain(whose) + "\nnot measured here: other images or other code, so it is not ranked"


def described(metric: MetricRecord) -> str:
    """Say what a metric is: its signature and direction."""
    return text.plain(f"{metric.name}: {metric.better.value} is better") + "\n" + text.plain(metric.signature)


def warnings(boards: Sequence[Board]) -> list[str]:
    """Say what was recorded with the values of whole sets, once each."""
    cells = [cell for board in boards for row in board.rows for cell in row.cells]
    noted = [f"{cell.metric.name}: {cell.estimate.note}" for cell in cells if cell.metric.scope == "set"]
    return list(dict.fromkeys(text.plain(line) for line in noted if not line.endswith(": ")))


def verdict(tournament: Tournament) -> str:
    """Say what the tests of a category and factor could find at all."""
    n = text.count(tournament.n, "image")
    others = len(tournament.contestants) - 1
    if tournament.is_too_small:
        return f"n too small: with {n} and {text.count(others, 'comparison')} no p-value can reach 0.05."
    family = text.count(others, "comparison")
    return f"Mean difference from the baseline on the same {n}; p-values corrected for {family}."


def told(duel: Duel | None, decimals: int) -> Told:
    """Print a duel: the difference and its verdict, the rank, and everything else on hover and focus."""
    if duel is None:
        return Told(text.MISSING, "", "no value on the common images", "none", math.nan)
    rank = _rank(duel.rank)
    if duel.paired is None:
        return Told("baseline", rank, f"{duel.metric.name}: the baseline, rank {rank}", "none", 0.0)
    pair = duel.paired
    difference = text.signed(pair.difference, decimals)
    style = {Verdict.BETTER: "won", Verdict.WORSE: "lost"}.get(pair.verdict, "even")
    lines = [f"{duel.metric.name}: {difference}, {pair.verdict.value}", *_details(pair, duel.detectable, decimals)]
    tip = text.plain("\n".join([*lines, f"rank {rank}"]))
    details = "|".join([rank, *_short_details(pair, duel.detectable, decimals)])
    return Told(difference + MARKS[pair.verdict], rank, tip, style, pair.difference, details)


def _short_details(pair: PairedTest, detectable: float, decimals: int) -> list[str]:
    """Return what can stand under a difference besides the rank, in the order of `DETAILS`."""
    low, high = (text.signed(value, decimals) for value in (pair.low, pair.high))
    interval = "" if math.isnan(pair.low) else f"{low} to {high}"
    found = "" if math.isnan(detectable) else f"±{text.number(detectable, decimals)}"
    return [interval, f"p {'' if pair.p < 0.0001 else '= '}{_p(pair.p)}", f"{pair.win_rate:.0%}", found]


def _details(pair: PairedTest, detectable: float, decimals: int) -> list[str]:
    low, high = (text.signed(value, decimals) for value in (pair.low, pair.high))
    lines = [] if math.isnan(pair.low) else [f"95 % interval {low} to {high} (paired bootstrap)"]
    lines += [
        f"p = {_p(pair.p)} (Wilcoxon, Holm)",
        f"wins on {pair.win_rate:.0%} of {text.count(pair.n, 'image')}",
    ]
    if not math.isnan(detectable):
        lines.append(f"a difference of {text.number(detectable, decimals)} would be found with 80 % power")
    return lines


def _p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def _rank(rank: RankInterval) -> str:
    value, low, high = (f"{end:g}" for end in rank)
    return f"#{value}" if low == high else f"#{value} ({low}{text.DASH}{high})"
