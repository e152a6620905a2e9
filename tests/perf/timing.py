"""Two sides of a comparison, timed in turn: noise of the machine hits both, so their ratio is what counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Ratio(NamedTuple):
    """How long one side takes in units of the other, by the median of the turns, and the spread of the turns."""

    median: float
    low: float
    high: float
    seconds: float
    """Of the first side, the median."""

    @property
    def spread(self) -> str:
        """From which ratio to which the turns reach."""
        return f"{self.low:.3g} to {self.high:.3g}"


def ratio(one: Callable[[], object], other: Callable[[], object], turns: int = 7) -> Ratio:
    """Time both once unseen, then in turn."""
    one()
    other()
    pairs = [(_seconds(one), _seconds(other)) for _ in range(turns)]
    ratios = [first / second for first, second in pairs]
    return Ratio(
        statistics.median(ratios), min(ratios), max(ratios), statistics.median(first for first, _ in pairs)
    )


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
