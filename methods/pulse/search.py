"""The search of PULSE: as published, or through surrogates for most of its way."""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from bench import Bank, MethodError
from bench.images.degradation import resize_tensor
from methods.pulse import loss, space
from methods.pulse.space import Point, Prior, SphericalAdam, one_cycle
from methods.shared.inversion.context import by_distance, surrogates_for
from methods.shared.inversion.search import Draw, Problem, Round, Search

CANDIDATES = 64
"""Random images that a search through surrogates may start from."""
FINE_SHARE, FINE_RATE = 0.3, 0.5
"""Steps through a finer surrogate, as a share of the steps before it, and their first rate."""
ROUNDS, ROUND_SHARE, ROUND_RATE = 18, 0.1, 0.3
"""Corrections that end a search through surrogates, the share of the steps after each, and their first rate."""


class PulseContext(NamedTuple):
    """What is the same for every image."""

    bank: Bank
    prior: Prior
    label: Tensor | None = None
    """Of a bank with classes, (1,)."""

    def draw(self, z: Tensor, noise: list[Tensor], stop_at: int | None) -> Draw:
        """Make the images of z (N, width) or (N, slots, width) with noise maps, or the bank's own."""
        latents = self.prior.latents(z)
        synthesis = self.bank.synthesise(latents, noise=noise or None, stop_at=stop_at, label=self.label)
        return Draw(synthesis, latents)


class SearchConfig(NamedTuple):
    """How long a search is, and when and where it ends."""

    steps: int
    eps: float
    """The mean squared error of the LR below which an image is good enough."""
    search: Literal["surrogate", "full"]


def run(context: PulseContext, lr: Tensor, seed: int, config: SearchConfig) -> tuple[Tensor, dict[str, float]]:
    """Return the best image of a search (1, 3, R, R), and the values to record of it."""
    point = space.start(context.bank, seed)
    search = Search(problem(context, lr, point, config.eps))
    if config.search == "full":
        search.optimise(SphericalAdam(point.moving), _cycle(config.steps))
    else:
        _search_surrogates(search, context, point, seed, config.steps)
    image, values = search.best.result()
    return image, {"missed_eps": float(values["lr_mse"] > config.eps), **values}


def problem(context: PulseContext, lr: Tensor, point: Point, eps: float) -> Problem:
    """Return the problem of an LR (1, 3, h, h) at a point that an optimiser moves."""

    def objective(downsampled: Tensor, latents: Tensor) -> Tensor:
        size = downsampled.shape[2:]
        reference = lr if lr.shape[2:] == size else resize_tensor(lr, *size)
        return loss.objective(downsampled, reference, latents, eps)

    return Problem(
        lr,
        draw=lambda stop_at: context.draw(point.z, point.noise, stop_at),
        objective=objective,
        reduces_lr=True,
        is_solved=lambda downsampled: bool(loss.l2(downsampled, lr, 0.0) <= eps),
    )


def _search_surrogates(search: Search, context: PulseContext, point: Point, seed: int, steps: int) -> None:
    """Go through a coarse surrogate, then through a finer one where the LR has more to say, then correct it.

    The corrections end as soon as the full bank's own LR is within eps.
    """
    lr = search.problem.lr
    surrogates = surrogates_for(context.bank, lr.shape[-1])
    if surrogates is None:
        raise MethodError(f"no surrogate of the bank {context.bank.name} is fine enough", remedy="use search=full")
    _move_to_nearest(context, lr, point, seed)
    optimiser = SphericalAdam(point.moving)
    search.evaluate()
    search.optimise(optimiser, _cycle(steps), surrogates.coarse)
    if surrogates.fit.resolution != surrogates.coarse.resolution:
        fine = math.ceil(steps * FINE_SHARE)
        search.optimise(optimiser, [FINE_RATE * (1 - step / fine) for step in range(fine)], surrogates.fit)
    rounds, round_steps = min(ROUNDS, steps), math.ceil(steps * ROUND_SHARE)
    rates = [ROUND_RATE * (1 - turn / rounds) for turn in range(rounds)]
    if search.optimise_corrected(optimiser, [Round(surrogates.fit, [rate] * round_steps) for rate in rates]):
        search.evaluate()


def _cycle(steps: int) -> list[float]:
    return [one_cycle(step, steps) for step in range(steps)]


@torch.no_grad()
def _move_to_nearest(context: PulseContext, lr: Tensor, point: Point, seed: int) -> None:
    """Move a point to the random image, one latent in all slots, whose LR is nearest."""
    ordered = by_distance(
        context.bank,
        lambda z, stop_at: context.draw(z, point.noise, stop_at),
        space.candidates(context.bank, seed, CANDIDATES),
        lambda downsampled: (downsampled - lr).square().mean(),
        lr,
        chunk=CANDIDATES,
    )
    point.z.copy_(ordered[0].expand_as(point.z))
