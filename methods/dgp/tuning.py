"""The tuning of DGP: a latent and the groups of a bank's parameters, coarse to fine."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from bench import Bank
from methods.shared.inversion.context import (
    SHORT_MEMORY,
    Corrections,
    SearchContext,
    by_distance,
    falling,
    smaller_once,
    surrogates_for,
)
from methods.shared.inversion.search import Problem, Round, Search
from methods.shared.presets import Preset

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


class SearchConfig(NamedTuple):
    """How a bank is tuned to an image."""

    stages: tuple[Stage, ...]
    candidates: int
    """Random images among which the nearest are the starts."""
    starts: int
    """So many go through the first stage; the bank is tuned on from the one that the full bank finds best."""
    spread: float
    """The standard deviation of their latents."""
    selected_by: int
    """How many of the last features decide which is nearest; 0: pixels and all features, as in the loss."""
    pixel_weight: float
    feature_weight: float
    betas: tuple[float, float]
    relative: bool
    """Whether a bank rate is a share of each tensor's root mean square: layers may differ a hundredfold."""
    corrections: Corrections | None
    """After the stages, in a tuning through surrogates; None: every step is a pass of the full bank."""


PRESETS: dict[Preset, SearchConfig] = {
    "fast": SearchConfig(
        (Stage(0, 25, 0.0, 3e-2), Stage(5, 24, 2e-3, 1e-2)),
        candidates=192,
        starts=4,
        spread=1.0,
        selected_by=0,
        pixel_weight=10.0,
        feature_weight=0.02,
        betas=SHORT_MEMORY,
        relative=True,
        corrections=Corrections(fit=2, fine=5, steps=7, rates=(0.7, 0.4)),
    ),
    "paper": SearchConfig(
        (
            Stage(2, 200, 5e-5, 2e-3),
            Stage(3, 200, 5e-5, 1e-3),
            Stage(4, 200, 2e-5, 2e-5),
            Stage(5, 200, 1e-5, 1e-5),
            Stage(7, 200, 1e-5, 1e-5),
        ),
        candidates=500,
        starts=1,
        spread=0.3,
        selected_by=3,
        pixel_weight=1.0,
        feature_weight=1.0,
        betas=(0.0, 0.999),
        relative=False,
        corrections=None,
    ),
}
"""`paper` is the published setting for super-resolution at 256 pixels."""


def configure(preset: Preset, steps: int = 0) -> SearchConfig:
    """Return a preset, its stages scaled to a number of steps in all where it is not 0.

    A stage that would have no step is left out; the last one has what the others leave.
    """
    config = PRESETS[preset]
    if not steps:
        return config
    total = sum(stage.steps for stage in config.stages) + (config.starts - 1) * config.stages[0].steps
    first, *others = (stage._replace(steps=stage.steps * steps // total) for stage in config.stages)
    rest = steps - config.starts * first.steps - sum(stage.steps for stage in others[:-1])
    stages = tuple(stage for stage in (first, *others[:-1], others[-1]._replace(steps=rest)) if stage.steps)
    return config._replace(
        stages=stages,
        starts=config.starts if first.steps else 1,
        candidates=max(2, round(config.candidates * min(1.0, steps / total))),
        corrections=config.corrections and config.corrections.scaled(steps, total),
    )


def data_terms(downsampled: Tensor, lr: Tensor, perceptual_distance: Tensor, config: SearchConfig) -> Tensor:
    """Return the part of the loss that compares images; see `objective`."""
    pixels = (2 * downsampled - 2 * lr).square().mean()
    return config.pixel_weight * pixels + config.feature_weight * perceptual_distance


def objective(
    downsampled: Tensor, lr: Tensor, perceptual_distance: Tensor, z: Tensor, config: SearchConfig
) -> Tensor:
    """Return the loss.

    Args:
        downsampled: an image at the LR's size, (1, 3, h, h) in [0, 1].
        lr: what it should be.
        perceptual_distance: of the two, a scalar.
        z: the latent (1, width); half its mean square is the negative log-likelihood but for a constant.
        config: the weights of the pixels, in [-1, 1], and of the distance.
    """
    return data_terms(downsampled, lr, perceptual_distance, config) + LATENT_WEIGHT * z.square().mean() / 2


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


def run(context: SearchContext, lr: Tensor, seed: int, config: SearchConfig) -> tuple[Tensor, dict[str, float]]:
    """Return the best image (1, 3, R, R), and the values to record; the bank is as before."""
    starts, chunk = smaller_once(lambda chunk: nearest(context, lr, config, seed=seed, chunk=chunk), CHUNK)
    z, distance = starts[:1].clone().requires_grad_(), context.perceptual_distance_to(lr)

    def loss(downsampled: Tensor, _latents: Tensor) -> Tensor:
        return objective(downsampled, lr, distance(downsampled), z, config)

    search = Search(Problem(lr, partial(context.draw, z), loss))
    with restored(context.bank):
        _tune(search, context.bank, z, starts, config)
        search.evaluate()
    image, values = search.best.result()
    return image, values | {"smaller_chunk": float(chunk < CHUNK)}


def _tune(search: Search, bank: Bank, z: Tensor, starts: Tensor, config: SearchConfig) -> None:
    surrogates = surrogates_for(bank, search.problem.lr.shape[-1]) if config.corrections else None

    def go_through(stage: Stage) -> torch.optim.Optimizer:
        optimiser = _optimiser(bank, z, stage, config)
        if surrogates is None:
            search.optimise(optimiser, [1.0] * stage.steps)
        else:
            search.optimise_corrected(optimiser, [Round(surrogates.fit, falling(1.0, 0.5, stage.steps))])
        return optimiser

    first, *others = config.stages
    ends = []
    for start in starts[:, None]:
        _move(z, start)
        optimiser = go_through(first)
        if len(starts) > 1:
            ends.append((float(search.evaluate().loss), z.detach().clone()))
    if ends:
        _move(z, min(ends, key=itemgetter(0))[1])
    for stage in others:
        optimiser = go_through(stage)
    if config.corrections and surrogates:
        search.optimise_corrected(optimiser, config.corrections.rounds(surrogates))


@torch.no_grad()
def _move(z: Tensor, to: Tensor) -> None:
    z.copy_(to)


def _optimiser(bank: Bank, z: Tensor, stage: Stage, config: SearchConfig) -> torch.optim.Optimizer:
    groups = [{"params": [z], "lr": stage.latent_rate}]
    for value in chain.from_iterable(bank.groups()[: stage.groups]):
        value.requires_grad_()
        size = float(value.detach().square().mean().sqrt()) if config.relative else 1.0
        groups.append({"params": [value], "lr": stage.bank_rate * size})
    return torch.optim.Adam(groups, betas=config.betas)


def nearest(context: SearchContext, lr: Tensor, config: SearchConfig, *, seed: int, chunk: int) -> Tensor:
    """Return the latents (starts, width) of the random images whose LR is nearest to an LR."""
    bank, perceptual = context.bank, context.perceptual
    generator = torch.Generator().manual_seed(seed)
    z = config.spread * torch.randn(config.candidates, bank.latents.width, generator=generator)
    with torch.no_grad():
        lr_features = perceptual(lr)

    def distance(downsampled: Tensor) -> Tensor:
        features = perceptual(downsampled)
        if config.selected_by:
            return perceptual.distance(features[-config.selected_by :], lr_features[-config.selected_by :])
        return data_terms(downsampled, lr, perceptual.distance(features, lr_features), config)

    every = by_distance(bank, context.draw, z.to(bank.mean_latent.device), distance, lr, chunk=chunk)
    return every[: config.starts]
