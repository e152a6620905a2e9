"""Which surrogates of a bank serve an LR, and the rounds of corrections through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bench import Bank
from methods.shared import banks
from methods.shared.banks import surrogate
from methods.shared.banks.surrogate import Surrogate
from methods.shared.inversion.search import Round

SHORT_MEMORY = (0.7, 0.9)
"""Adam's betas in the fast presets of dgp and mganprior: such a search, whose target moves at every correction,
ends 2 to 3 dB nearer to the LR with these than with the usual ones (16x, two photographs)."""


class Surrogates(NamedTuple):
    """Surrogates of a bank, from cheap to exact."""

    coarse: Surrogate
    """The coarsest: enough while a search is far away."""
    fit: Surrogate
    """The coarsest of at least twice the LR's side."""
    fine: Surrogate
    """The next finer one, where there is one: it follows the bank where `fit` no longer does."""


def resolutions_for(bank: str, side: int, layer: int = 0) -> tuple[int, int, int] | None:
    """Return the resolutions of the surrogates `coarse`, `fit` and `fine`, or None when the bank has none so fine.

    Args:
        bank: the bank's name.
        side: of the LR.
        layer: the resolution that the bank is resumed from: a surrogate sees no feature below it.
    """
    largest = banks.metadata(bank).surrogate
    available = [res for res in surrogate.RESOLUTIONS if 2 * layer <= res <= largest]
    fit = [res for res in available if res >= 2 * side]
    return (available[0], fit[0], fit[:2][-1]) if fit else None


def surrogates_for(bank: Bank, side: int, layer: int = 0) -> Surrogates | None:
    """Return the surrogates of `resolutions_for`, or None when the bank has none so fine."""
    resolutions = resolutions_for(bank.name, side, layer)
    return resolutions and Surrogates(*(surrogate.load(bank, res) for res in resolutions))


def falling(first: float, last: float, steps: int) -> list[float]:
    """Return rates on a straight line from the first towards the last, which is not reached."""
    return [first + (last - first) * step / steps for step in range(steps)]


class Corrections(NamedTuple):
    """The rounds that end a search through surrogates."""

    fit: int
    """Rounds through the surrogate that fits the LR."""
    fine: int
    """More rounds, through the finer one."""
    steps: int
    """After each correction."""
    rates: tuple[float, float]
    """Of the first round through `fit` and of the first one through `fine`; the last one's is almost 0."""

    def scaled(self, new: int, old: int, rounding: Callable[[float], int] = round) -> Corrections:
        """Return the corrections of a search of other steps than the preset's old ones."""
        steps = max(1, rounding(self.steps * new / old))
        return self._replace(fit=min(self.fit, new), fine=min(self.fine, new), steps=steps)

    def rounds(self, surrogates: Surrogates) -> list[Round]:
        """Return the rounds: the rate of each falls, and is the same for all its steps."""
        first, middle = self.rates
        turns = [(surrogates.fit, rate) for rate in falling(first, middle, self.fit)]
        turns += [(surrogates.fine, rate) for rate in falling(middle, 0.0, self.fine)]
        return [Round(one, [rate] * self.steps) for one, rate in turns]
