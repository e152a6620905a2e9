"""What a search needs beside the image: bank, surrogates, perceptual network and the nearest random candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from bench import Bank
from bench.base.errors import lacked_memory
from bench.images.degradation import resize_tensor
from methods.shared import banks
from methods.shared.banks import surrogate
from methods.shared.banks.surrogate import Surrogate
from methods.shared.inversion.search import Draw, Round
from methods.shared.networks.perceptual_networks import Network, Perceptual

SHORT_MEMORY = (0.7, 0.9)
"""Adam's betas in the fast presets of dgp and mganprior: such a search, whose target moves at every correction,
ends 2 to 3 dB nearer to the LR with these than with the usual ones (16x, two photographs)."""

T = TypeVar("T")


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


class SearchContext(NamedTuple):
    """What is the same for every image."""

    bank: Bank
    perceptual: Perceptual
    network: Network
    """The name of the perceptual network."""
    label: Tensor | None = None
    """Of a bank with classes, (1,)."""

    def draw(self, z: Tensor, stop_at: int | None = None) -> Draw:
        """Make the images of Gaussian z (N, width)."""
        return self.synthesise(self.bank.map(z), stop_at=stop_at)

    def synthesise(
        self, latents: Tensor, *, stop_at: int | None = None, start: tuple[int, Tensor] | None = None
    ) -> Draw:
        """Make the images of latents (N, width) or (N, slots, width), of the context's class."""
        label = None if self.label is None else self.label.expand(len(latents))
        return Draw(self.bank.synthesise(latents, start=start, stop_at=stop_at, label=label), latents)

    def perceptual_distance_to(self, lr: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function of a downsampled image (1, 3, h, h) that gives its perceptual distance to an LR."""
        with torch.no_grad():
            features = self.perceptual(lr)
        return lambda downsampled: self.perceptual.distance(self.perceptual(downsampled), features)


def by_distance(
    bank: Bank,
    draw: Callable[[Tensor, int | None], Draw],
    z: Tensor,
    distance: Callable[[Tensor], Tensor],
    lr: Tensor,
    *,
    chunk: int,
) -> Tensor:
    """Return random z (N, width) in the order of the distance of their images' LR from an LR.

    Through the coarsest surrogate where the bank has any: many candidates then cost little.

    Args:
        bank: whose surrogates.
        draw: makes the images of some z, stopped at a resolution or by the full bank.
        z: the candidates.
        distance: of a downsampled image (1, 3, h, h) in [0, 1]; a scalar.
        lr: whose size the images are downsampled to.
        chunk: candidates that are made at a time.
    """
    surrogates = surrogates_for(bank, 0)
    distances: list[Tensor] = []
    with torch.no_grad():
        for part in torch.split(z, chunk):
            if surrogates is None:
                image = banks.full_image(draw(part, None).synthesis)
            else:
                half = surrogates.coarse.resolution // 2
                synthesis, latents = draw(part, half)
                image = surrogates.coarse(synthesis.features[half], latents)
            downsampled = resize_tensor((image + 1) / 2, *lr.shape[2:])
            distances += [distance(one[None]) for one in downsampled]
    return z[torch.stack(distances).argsort()]


def smaller_once(run: Callable[[int], T], chunk: int) -> tuple[T, int]:
    """Run with a chunk size; when memory runs out, once more with half of it. Return the result and the chunk.

    Raises:
        MemoryError: or torch's error of memory, when half of it does not fit either, or there is no half.
    """
    try:
        return run(chunk), chunk
    except Exception as error:
        if chunk == 1 or not lacked_memory(error):
            raise
    return run(chunk // 2), chunk // 2
