"""What the page says about numbers, in plain sentences: one place for every tooltip and note."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from bench.statistics import PairedTest, RankInterval, Verdict, too_small
from bench.store.results import MethodRecord, MetricRecord
from reports import text
from reports.data.agreement import Agreement
from reports.data.comparison import Comparison
from reports.data.leaderboard import Board, Cell
from reports.data.quoted import Quoted
from reports.data.scores import EVERY, Slice
from reports.data.significance import ComparisonTable, PairedComparison

DETAILS = ("rank", "95 % interval", "p", "wins", "detectable")
_ARROWS = {Verdict.BETTER: " ▲", Verdict.WORSE: " ▼", Verdict.UNDECIDED: "", Verdict.TOO_SMALL: ""}


class FormattedTest(NamedTuple):
    """A comparison with the baseline as the page shows it."""

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


def breakable(name: str) -> Markup:
    """Return a name that a narrow column breaks after a sign before it breaks a word."""
    return Markup("<wbr>").join(re.split(r"(?<=[\[,=])|(?<=[^.]/)", text.plain(name)))


def with_code(sentence: str) -> Markup:
    """Return a sentence whose commands, between backticks, are set as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text.plain(sentence)))))


def means(board: Board) -> str:
    """Say over which images the means of a leaderboard are taken."""
    compared = sum(not row.method.is_upper_bound and row.method.label not in board.absent for row in board.rows)
    is_overall, images = board.where.factor == EVERY, text.count(board.total, "image")
    at_each = " at every factor" if is_overall else ""
    if not compared:
        return f"No method completed any of {images}{at_each}."
    completed = f"completed{at_each}"
    methods = {1: "the method", 2: "both compared methods"}.get(compared, f"all {compared} compared methods")
    if board.common:
        sentence = f"Means over {board.common} of {images}: those that {methods} {completed}."
        if compared > 1 and too_small(board.common, compared - 1):
            sentence += " So few tell no method apart from another."
    else:
        sentence = f"No image was {completed} by {methods}, so there are no means to compare."
    each = " Each image counts once, with its mean over the factors." if is_overall else ""
    absent = [text.plain(text.short(label)) for label in board.absent]
    lacking = "Not restored at every factor" if is_overall else "Without any result here"
    return f"{sentence}{each} {lacking}: {listed(absent)}." if absent else sentence + each


def winners(board: Board, metrics: Sequence[MetricRecord]) -> list[tuple[MetricRecord, str, str]]:
    """Say who is first by each of these metrics, and which others chance could have put there."""
    firsts = []
    for metric in metrics:
        cells = [
            (text.short(row.method.title), cell)
            for row in board.rows
            if not row.method.is_upper_bound
            for cell in row.cells
            if cell.metric == metric
        ]
        best, tied = [[t for t, c in cells if c.is_best], [t for t, c in cells if c.is_tied]]
        if best:
            is_every = 1 < len(tied) == sum(c.value != text.MISSING for _, c in cells) - len(best)
            others = "any other" if is_every else listed(tied)
            firsts.append((metric, text.plain(listed(best)), text.plain(others)))
    return firsts


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
        f"{text.short(method.title, 60)} · {metric.title}: {value}{interval}",
        f"n = {text.count(estimate.n, 'image')}; {metric.better.value} is better",
        f"signature {metric.signature}",
        "; ".join(filter(None, (estimate.note, estimate.doubt))),
        "≈ not told apart from the best by a paired test on the same images" if cell.is_tied else "",
        "† a training metric: a method of this run was trained with its network"
        if metric.is_training_metric
        else "",
    ]
    return "\n".join(text.plain(line) for line in lines if line)


def quote(quoted: Quoted, metric: MetricRecord) -> str:
    """Say where a quoted number stands, and that it is no measurement of this run."""
    value = quoted.value(metric.name) or "no value"
    whose = f"{text.short(quoted.method, 60)} · {metric.title}: {value}, quoted from {quoted.source}"
    return text.plain(whose) + "\nnot measured here: other images or other code, so it is not ranked"


def strangers_tip(board: Board, metric: MetricRecord) -> str:
    """Say what pairs of different people score."""
    for one in board.strangers:
        if metric.signature.startswith(one.signature):
            low, high = (text.number(end, 4) for end in (one.low, one.high))
            return text.plain(
                f"{text.count(one.pairs, 'pair')} of different true images by {one.metric}: mean "
                f"{text.number(one.mean, 4)}, 95 % of them {low} to {high}, {one.share:.1%} taken for one person"
            )
    return "means nothing for pairs of true images"


def described(metric: MetricRecord) -> str:
    """Say what a metric is: its sentence, direction, id and signature."""
    lines = (metric.about, f"{metric.better.value} is better", f"{metric.name}: {metric.signature}")
    return "\n".join(text.plain(line) for line in lines if line)


def contradiction(agreement: Agreement) -> str:
    """Say which two metrics order the methods most differently, where the images are enough to say so."""
    clear = [(one.rho, pair) for pair, one in agreement.over_methods.items() if one.high < 0]
    if not clear:
        return "No two metrics clearly order the methods in opposite ways."
    titles = {metric.name: metric.title for metric in agreement.metrics}
    rho, pair = min(clear)
    names = listed([text.plain(titles[name]) for name in pair])
    return f"{names} order the methods most differently: correlation {text.number(rho, 2)}."


def correlation(agreement: Agreement, row: int, column: int) -> tuple[str, str, str, str]:
    """Return how far two metrics agree: class, value, interval and tip; above the diagonal over images.

    Args:
        agreement: of a slice.
        row: the place of one metric.
        column: that of the other.
    """
    is_upper = row < column
    names = [agreement.metrics[place] for place in sorted((row, column))]
    table = agreement.over_images if is_upper else agreement.over_methods
    one = table.get((names[0].name, names[1].name))
    if one is None:
        return "none", text.MISSING, "", "too few to say, or all values are equal"
    level = round(5 * abs(one.rho))
    interval = f"{text.number(one.low, 2)} to {text.number(one.high, 2)}"
    what = text.count(one.n, "image") if is_upper else text.count(one.n, "method")
    tip = (
        f"{names[0].title} and {names[1].title}, over {what}: {text.number(one.rho, 2)}, 95 % interval {interval}"
    )
    style = f"{'agree' if one.rho > 0 else 'differ'}-{level}"
    return style, text.number(one.rho, 2), interval, text.plain(tip)


def warnings(boards: Sequence[Board]) -> list[str]:
    """Say what was recorded with the values of whole sets, once each."""
    cells = [cell for board in boards for row in board.rows for cell in row.cells]
    noted = [f"{cell.metric.title}: {cell.estimate.note}" for cell in cells if cell.metric.scope == "set"]
    return list(dict.fromkeys(text.plain(line) for line in noted if not line.endswith(": ")))


def verdict(table: ComparisonTable) -> str:
    """Say what the tests of a category and factor could find at all."""
    n = text.count(table.n, "image")
    family = text.count(len(table.entrants) - 1, "comparison")
    if table.is_too_small:
        return f"n too small: with {n} and {family} no p-value can reach 0.05."
    return f"Mean difference from the baseline on the same {n}; p-values corrected for {family}."


def format_test(comparison: PairedComparison | None, decimals: int) -> FormattedTest:
    """Print a comparison: the difference and its verdict, the rank, and everything else on hover and focus."""
    if comparison is None:
        return FormattedTest(text.MISSING, "", "no value on the common images", "none", math.nan)
    rank, title, test = _rank(comparison.rank), text.plain(comparison.metric.title), comparison.test
    if test is None:
        return FormattedTest("baseline", rank, f"{title}: the baseline, rank {rank}", "none", 0.0)
    difference = text.signed(test.difference, decimals)
    style = {Verdict.BETTER: "better", Verdict.WORSE: "worse"}.get(test.verdict, "undecided")
    lines, details = _details(test, comparison.detectable, decimals)
    tip = "\n".join([f"{title}: {difference}, {test.verdict.value}", *filter(None, lines), f"rank {rank}"])
    value = difference + _ARROWS[test.verdict]
    return FormattedTest(value, rank, tip, style, test.difference, "|".join([rank, *details]))


def _details(test: PairedTest, detectable: float, decimals: int) -> tuple[list[str], list[str]]:
    """Return the lines of a tip, and what can stand under a difference besides the rank, as `DETAILS` has it."""
    low, high = (text.signed(value, decimals) for value in (test.low, test.high))
    interval = "" if math.isnan(test.low) else f"{low} to {high}"
    effect = "" if math.isnan(detectable) else text.number(detectable, decimals)
    wins, p = f"{test.win_rate:.0%}", "< 0.0001" if test.p < 0.0001 else f"{test.p:.4f}"
    lines = [
        f"95 % interval {interval} (paired bootstrap)" if interval else "",
        f"p = {p} (Wilcoxon, Holm)",
        f"wins on {wins} of {text.count(test.n, 'image')}",
        f"a difference of {effect} would be found with 80 % power" if effect else "",
    ]
    return lines, [interval, f"p {p}" if p[0] == "<" else f"p = {p}", wins, effect and f"±{effect}"]


def _rank(rank: RankInterval) -> str:
    value, low, high = (f"{end:g}" for end in rank)
    return f"#{value}" if low == high else f"#{value} ({low}{text.DASH}{high})"
