"""The optimisation of in-domain inversion: latents that stay where the encoder would find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bench import Bank
from methods.shared.inversion import Draw, Preset, Problem, Search, surrogates_for
from methods.shared.networks.perceptual_networks import Network, Perceptual

DOMAIN_WEIGHT = 2.0
PERCEPTUAL_WEIGHT: dict[Network, float] = {"vgg16": 0.17, "lite0": 0.05}
"""vgg16's is the published 5e-5, which was for inputs of 0 to 255, on inputs of unit deviation (58 levels)."""


class Plan(NamedTuple):
    """How long the optimisation is, and how it walks."""

    steps: int
    rate: float
    rounds: int
    """Corrections by the whole bank, through surrogates; 0: every step looks with the whole bank."""
    round_steps: int


PLANS: dict[Preset, Plan] = {"fast": Plan(60, 1e-2, 4, 10), "paper": Plan(100, 1e-2, 0, 0)}


def plan(preset: Preset, steps: int = 0) -> Plan:
    """Return a preset's plan, with other steps where they are not 0; they shorten the corrections too."""
    chosen = PLANS[preset]
    if not steps:
        return chosen
    rounds = min(chosen.rounds, steps)
    return chosen._replace(
        steps=steps, rounds=rounds, round_steps=-(-chosen.round_steps * steps // chosen.steps) if rounds else 0
    )


class Scene(NamedTuple):
    """What is the same for every image."""

    bank: Bank
    encoder: Callable[[Tensor], Tensor]
    """Makes latents (1, slots, width) of an LR (1, 3, h, h) in [-1, 1]."""
    perceptual: Perceptual
    network: Network


def total(made: Tensor, lr: Tensor, perceptual_distance: Tensor, latents: Tensor, encoded: Tensor) -> Tensor:
    """Return the loss.

    Args:
        made: an LR (1, 3, h, h) in [0, 1].
        lr: what it should be.
        perceptual_distance: the weighted perceptual distance, a scalar.
        latents: what made it, (1, slots, width).
        encoded: what the encoder says of it.
    """
    return F.mse_loss(2 * made, 2 * lr) + perceptual_distance + DOMAIN_WEIGHT * F.mse_loss(encoded, latents)


def run(scene: Scene, lr: Tensor, plan: Plan) -> tuple[Tensor, dict[str, float]]:
    """Return the best image of an optimisation (1, 3, R, R), and what is worth recording of it."""
    with torch.no_grad():
        wanted = scene.perceptual(lr)
        latents = scene.encoder(2 * lr - 1).clone()
    latents.requires_grad_()

    def loss(made: Tensor) -> Tensor:
        perceptual_distance = PERCEPTUAL_WEIGHT[scene.network] * scene.perceptual.distance(
            scene.perceptual(made), wanted
        )
        return total(made, lr, perceptual_distance, latents, scene.encoder(2 * made - 1))

    search = Search(
        Problem(lr, lambda stop_at: Draw(scene.bank.synthesise(latents, stop_at=stop_at), latents), loss)
    )
    optimiser = torch.optim.Adam([latents], plan.rate)
    heads = surrogates_for(scene.bank, lr.shape[-1]) if plan.rounds else None
    if heads is None:
        search.walk(optimiser, plan.steps, None)
    else:
        search.correct(heads.fit)
        search.walk(optimiser, plan.steps, heads.fit)
        search.walk_and_correct(optimiser, plan.rounds, plan.round_steps, heads.fit)
    with torch.no_grad():
        search.whole()
    return search.seen.found()
