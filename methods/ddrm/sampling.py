"""The sampler of DDRM (equations 7 and 8) for observations without noise.

A state is written as the paper has it, without the shrinking of DDPM: x̄_t = x_t / sqrt(alpha_t) = x_0 + sigma_t z.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from bench import Size
from methods.ddrm.operator import Operator

Predict = Callable[[Tensor, int], Tensor]
"""From the DDPM state x_t (N, 3, H, W) and t to the image that is predicted from it."""


class Weights(NamedTuple):
    """How much is drawn anew."""

    eta: float
    """Of what the LR does not fix: 0 keeps the predicted noise, 1 draws all of it."""
    etab: float
    """Of what it fixes: 1 takes the LR's components, 0 the prediction's."""


class Level(NamedTuple):
    """One noise level of a prior."""

    t: int
    alpha: float
    """The product of all 1 - beta up to t."""

    @property
    def sigma(self) -> float:
        """The deviation of the noise in x̄."""
        return math.sqrt((1 - self.alpha) / self.alpha)


CLEAN = Level(-1, 1.0)


def levels(alphas: Sequence[float], steps: int) -> list[Level]:
    """Return evenly spaced noise levels, the noisiest first, as the authors space them."""
    times = range(0, len(alphas), max(1, len(alphas) // steps))
    return [Level(t, float(alphas[t])) for t in reversed(times)]


def sample(
    predict: Predict,
    lr: Tensor,
    size: Size,
    *,
    schedule: Sequence[Level],
    weights: Weights,
    random: torch.Generator,
) -> Tensor:
    """Draw an image from the prior, given its LR.

    Args:
        predict: the prior.
        lr: [-1, 1], (N, 3, h, w).
        size: of the image.
        schedule: from noise to image.
        weights: how much is drawn anew.
        random: on the CPU, so that an image depends on no device.

    Returns:
        About [-1, 1], (N, 3, H, W), not clipped: with `etab` 1, its LR is the given one.
    """
    given = Given.of(lr, size)

    def noise() -> Tensor:
        drawn = torch.randn(given.known.shape, generator=random, dtype=lr.dtype)
        return drawn.to(lr.device)

    x = given.known + schedule[0].sigma * noise()
    for level, following in zip(schedule, [*schedule[1:], CLEAN], strict=True):
        image = predict(level.alpha**0.5 * x, level.t)
        x = given.step(x, image, (level.sigma, following.sigma), weights, noise())
    return x


class Given(NamedTuple):
    """What an LR says of an image."""

    operator: Operator
    known: Tensor
    """The components that the LR fixes, as an image."""

    @classmethod
    def of(cls, lr: Tensor, size: Size) -> Self:
        """Decompose the operator from this size to that of an LR."""
        operator = Operator.between(size, (lr.shape[-2], lr.shape[-1]), lr)
        return cls(operator, operator.pseudo_inverse(lr))

    def step(
        self, x: Tensor, image: Tensor, sigmas: tuple[float, float], weights: Weights, noise: Tensor
    ) -> Tensor:
        """Return x̄ at the next noise level.

        Args:
            x: x̄ at this level.
            image: what is predicted from it.
            sigmas: of this level and of the next.
            weights: how much is drawn anew.
            noise: standard normal, as large as the image.
        """
        sigma, following = sigmas
        kept = math.sqrt(1 - weights.eta**2) / sigma * (x - image)
        free = image + following * (kept + weights.eta * noise)
        fixed = image + weights.etab * (self.known - image) + following * noise
        return free + self.operator.observed(fixed - free)
