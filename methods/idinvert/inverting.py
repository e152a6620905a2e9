"""The optimisation of in-domain inversion: latents that stay where the encoder would put them."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from methods.shared.inversion.context import Corrections, SearchContext, surrogates_for
from methods.shared.inversion.search import Problem, Round, Search
from methods.shared.networks.perceptual_networks import Network
from methods.shared.presets import Preset

DOMAIN_WEIGHT = 2.0
PERCEPTUAL_WEIGHT: dict[Network, float] = {"vgg16": 0.17, "lite0": 0.05}
"""vgg16's is the published 5e-5, which was for inputs of 0 to 255, on inputs of unit deviation (58 levels)."""

Encode = Callable[[Tensor], Tensor]
"""Makes latents (1, slots, width) of an LR (1, 3, h, h) in [-1, 1]."""


class SearchConfig(NamedTuple):
    """How long the optimisation is."""

    steps: int
    rate: float
    corrections: Corrections | None
    """After the steps, through surrogates; None: every step is a pass of the full bank."""


PRESETS: dict[Preset, SearchConfig] = {
    "fast": SearchConfig(60, 1e-2, Corrections(fit=4, fine=0, steps=10, rates=(0.3, 0.0))),
    "paper": SearchConfig(100, 1e-2, None),
}


def configure(preset: Preset, steps: int = 0) -> SearchConfig:
    """Return a preset, with other steps where they are not 0; they change the corrections in proportion."""
    config = PRESETS[preset]
    if not steps:
        return config
    corrections = config.corrections and config.corrections.scaled(steps, config.steps, rounding=math.ceil)
    return config._replace(steps=steps, corrections=corrections)


def objective(
    downsampled: Tensor, lr: Tensor, weighted_distance: Tensor, latents: Tensor, encoded: Tensor
) -> Tensor:
    """Return the loss of a downsampled image.

    Args:
        downsampled: (1, 3, h, h) in [0, 1].
        lr: what it should be.
        weighted_distance: their weighted perceptual distance, a scalar.
        latents: what made it, (1, slots, width).
        encoded: the latents that the encoder gives for it.
    """
    return F.mse_loss(2 * downsampled, 2 * lr) + weighted_distance + DOMAIN_WEIGHT * F.mse_loss(encoded, latents)


def run(
    context: SearchContext, encode: Encode, lr: Tensor, config: SearchConfig
) -> tuple[Tensor, dict[str, float]]:
    """Return the best image of an optimisation (1, 3, R, R), and the values to record of it."""
    weight, distance = PERCEPTUAL_WEIGHT[context.network], context.perceptual_distance_to(lr)
    with torch.no_grad():
        latents = encode(2 * lr - 1).clone()
    latents.requires_grad_()

    def loss(downsampled: Tensor, latents: Tensor) -> Tensor:
        weighted_distance = weight * distance(downsampled)
        return objective(downsampled, lr, weighted_distance, latents, encode(2 * downsampled - 1))

    search = Search(Problem(lr, lambda stop_at: context.synthesise(latents, stop_at=stop_at), loss))
    optimiser, rates = torch.optim.Adam([latents], config.rate), [1.0] * config.steps
    surrogates = surrogates_for(context.bank, lr.shape[-1]) if config.corrections else None
    if config.corrections is None or surrogates is None:
        search.optimise(optimiser, rates)
    else:
        rounds = [Round(surrogates.fit, rates), *config.corrections.rounds(surrogates)]
        search.optimise_corrected(optimiser, rounds)
    search.evaluate()
    return search.best.result()
