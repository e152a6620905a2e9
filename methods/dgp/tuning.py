"""The tuning of DGP: a latent and the groups of a bank's parameters, coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bench import Bank
from methods.shared.inversion import (
    SHORT_MEMORY,
    Draw,
    Preset,
    Problem,
    Search,
    by_distance,
    smaller_once,
    surrogates_for,
)
from methods.shared.networks.perceptual_networks import Perceptual

LATENT_WEIGHT = 0.02
CHUNK = 8
"""Candidates that are made at a time."""


class Stage(NamedTuple):
    """A stretch of the tuning. The weights of the loss are the same in all of them."""

    groups: int
    """Of the bank's parameters that are tuned, from the coarsest; 0: the latent alone."""
    steps: int
    bank_rate: float
    latent_rate: float


class Plan(NamedTuple):
    """How an image is tuned to."""

    stages: tuple[Stage, ...]
    candidates: int
    """Random images among which the nearest is the start."""
    spread: float
    """The standard deviation of their latents."""
    selected_by: int
    """The last features by which the nearest is told; 0: by pixels and all features, as in the loss."""
    pixel_weight: float
    feature_weight: float
    betas: tuple[float, float]
    relative: bool
    """Whether a bank rate is a share of each tensor's root mean square: layers may differ a hundredfold."""
    rounds: int
    """Corrections by the whole bank after the stages, in a tuning through surrogates; 0: no surrogates."""
    fine_rounds: int
    """More of them, through a finer surrogate."""
    round_steps: int


PLANS: dict[Preset, Plan] = {
    "fast": Plan(
        (Stage(0, 50, 0.0, 3e-2), Stage(5, 24, 2e-3, 1e-2)),
        candidates=192,
        spread=1.0,
        selected_by=0,
        pixel_weight=10.0,
        feature_weight=0.02,
        betas=SHORT_MEMORY,
        relative=True,
        rounds=2,
        fine_rounds=5,
        round_steps=7,
    ),
    "paper": Plan(
        (
            Stage(2, 200, 5e-5, 2e-3),
            Stage(3, 200, 5e-5, 1e-3),
            Stage(4, 200, 2e-5, 2e-5),
            Stage(5, 200, 1e-5, 1e-5),
            Stage(7, 200, 1e-5, 1e-5),
        ),
        candidates=500,
        spread=0.3,
        selected_by=3,
        pixel_weight=1.0,
        feature_weight=1.0,
        betas=(0.0, 0.999),
        relative=False,
        rounds=0,
        fine_rounds=0,
        round_steps=0,
    ),
}
"""`paper` is the published setting for super-resolution at 256 pixels."""


def plan(preset: Preset, steps: int = 0) -> Plan:
    """Return a preset's plan, its stages scaled to a number of steps in all where it is not 0.

    A stage that would have no step is left out.
    """
    chosen = PLANS[preset]
    if not steps:
        return chosen
    share = steps / sum(stage.steps for stage in chosen.stages)
    scaled = [stage._replace(steps=round(stage.steps * share)) for stage in chosen.stages]
    kept = tuple(stage for stage in scaled if stage.steps)
    return chosen._replace(
        stages=kept or (chosen.stages[-1]._replace(steps=steps),),
        candidates=max(2, round(chosen.candidates * min(1.0, share))),
        rounds=min(chosen.rounds, steps),
        fine_rounds=min(chosen.fine_rounds, steps),
        round_steps=max(1, round(chosen.round_steps * share)),
    )


class Scene(NamedTuple):
    """What is the same for every image."""

    bank: Bank
    perceptual: Perceptual
    label: Any = None


def total(
    made: Tensor, lr: Tensor, perceptual_distance: Tensor, z: Tensor, *, pixel_weight: float, feature_weight: float
) -> Tensor:
    """Return the loss.

    Args:
        made: an LR (1, 3, h, h) in [0, 1].
        lr: what it should be.
        perceptual_distance: the distance of their features, a scalar.
        z: the latent (1, width); half its mean square is the negative log-likelihood but for a constant.
        pixel_weight: of the mean squared error of the images in [-1, 1].
        feature_weight: of the perceptual_distance.
    """
    pixels = (2 * made - 2 * lr).square().mean()
    return pixel_weight * pixels + feature_weight * perceptual_distance + LATENT_WEIGHT * z.square().mean() / 2


@contextmanager
def restored(bank: Bank) -> Iterator[None]:
    """Give the bank's parameters back bit for bit, frozen, whatever happened to them."""
    parameters = [value for group in bank.groups() for value in group]
    before = [value.detach().clone() for value in parameters]
    try:
        yield
    finally:
        with torch.no_grad():
            for value, old in zip(parameters, before, strict=True):
                value.copy_(old)
                value.requires_grad_(False)
                value.grad = None


def run(scene: Scene, lr: Tensor, seed: int, plan: Plan) -> tuple[Tensor, dict[str, float]]:
    """Return the best image (1, 3, R, R), and what is worth recording; the bank is as before."""
    with torch.no_grad():
        wanted = scene.perceptual(lr)
    start, chunk = smaller_once(lambda chunk: nearest(scene, lr, wanted, plan, seed=seed, chunk=chunk), CHUNK)
    z = start.clone().requires_grad_()

    def draw(stop_at: int | None) -> Draw:
        latents = scene.bank.map(z)
        return Draw(scene.bank.synthesise(latents, stop_at=stop_at, label=scene.label), latents)

    def loss(made: Tensor) -> Tensor:
        perceptual_distance = scene.perceptual.distance(scene.perceptual(made), wanted)
        weights = {"pixel_weight": plan.pixel_weight, "feature_weight": plan.feature_weight}
        return total(made, lr, perceptual_distance, z, **weights)

    search = Search(Problem(lr, draw, loss))
    with restored(scene.bank):
        _tune(search, scene.bank, z, plan)
    image, values = search.seen.found()
    return image, values | {"smaller_chunk": float(chunk < CHUNK)}


def _tune(search: Search, bank: Bank, z: Tensor, plan: Plan) -> None:
    heads = surrogates_for(bank, search.problem.lr.shape[-1]) if plan.rounds else None
    for stage in plan.stages:
        optimiser = _optimiser(bank, z, stage, plan)
        if heads is None:
            search.walk(optimiser, stage.steps, None)
            continue
        search.correct(heads.fit)
        search.walk(optimiser, stage.steps, heads.fit, (1.0, 0.5))
    if heads is not None:
        search.walk_and_correct(optimiser, plan.rounds, plan.round_steps, heads.fit, (0.7, 0.4))
        search.walk_and_correct(optimiser, plan.fine_rounds, plan.round_steps, heads.fine, (0.4, 0.0))
    with torch.no_grad():
        search.whole()


def _optimiser(bank: Bank, z: Tensor, stage: Stage, plan: Plan) -> torch.optim.Optimizer:
    groups = [{"params": [z], "lr": stage.latent_rate}]
    for value in chain.from_iterable(bank.groups()[: stage.groups]):
        value.requires_grad_()
        size = float(value.detach().square().mean().sqrt()) if plan.relative else 1.0
        groups.append({"params": [value], "lr": stage.bank_rate * size})
    return torch.optim.Adam(groups, betas=plan.betas)


def nearest(scene: Scene, lr: Tensor, wanted: list[Tensor], plan: Plan, *, seed: int, chunk: int) -> Tensor:
    """Return the latent (1, width) of the random image whose LR is most like the wanted one."""
    bank = scene.bank
    generator = torch.Generator().manual_seed(seed)
    z = plan.spread * torch.randn(plan.candidates, bank.latents.width, generator=generator)

    def distance(made: Tensor) -> Tensor:
        seen = scene.perceptual(made)
        if plan.selected_by:
            return scene.perceptual.distance(seen[-plan.selected_by :], wanted[-plan.selected_by :])
        near = scene.perceptual.distance(seen, wanted)
        return plan.pixel_weight * (2 * made - 2 * lr).square().mean() + plan.feature_weight * near

    return by_distance(bank, z.to(bank.mean_latent.device), distance, lr, chunk=chunk, label=scene.label)[:1]
