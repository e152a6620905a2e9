"""The search of PULSE: as published, or through surrogates for most of its way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from bench import Bank, MethodError
from bench.images.degradation import resize_tensor
from methods.pulse import loss, space
from methods.pulse.space import Point, Prior, SphericalAdam, one_cycle
from methods.shared.banks import surrogate
from methods.shared.banks.surrogate import Surrogate
from methods.shared.inversion import Seen, shrunk

CANDIDATES = 64
"""Random faces that a search through surrogates may start from."""
FINE_SHARE, FINE_RATE = 0.3, 0.5
"""Steps through a finer surrogate, as a share of the steps before it, and their first rate."""
ROUNDS, ROUND_SHARE, ROUND_RATE = 18, 0.1, 0.3
"""Corrections that end a search through surrogates, the share of the steps after each, and their first rate."""


class Task(NamedTuple):
    """One image to restore."""

    lr: Tensor
    """(1, 3, h, h) in [0, 1]."""
    seed: int
    steps: int
    eps: float
    label: Tensor | None = None
    """Of a bank with classes, (1,)."""


class Look(NamedTuple):
    """What a point of the search shows."""

    made: Tensor
    """Its LR, (1, 3, h, h)."""
    loss: Tensor


class Search:
    """One search on its way: a point, its walk, and what it saw."""

    def __init__(self, bank: Bank, prior: Prior, task: Task, point: Point) -> None:
        self.bank, self.prior, self.task, self.point = bank, prior, task, point
        self._walk = SphericalAdam(point.moving)
        self.seen = Seen(task.lr)

    def whole(self) -> Look:
        """Look with the whole bank."""
        latents = self.prior.latents(self.point.z)
        made = self.bank.synthesise(latents, noise=self.point.noise or None, label=self.task.label)
        if made.image is None:
            raise MethodError(f"the bank {self.bank.name} made no image")
        image = (made.image + 1) / 2
        look = self._look(image, latents)
        self.seen.keep(image, look.loss.item())
        return look

    def through(self, head: Surrogate, correction: Tensor | None = None) -> Look:
        """Look through a surrogate, at an LR of half its size at most; that LR may be corrected."""
        latents = self.prior.latents(self.point.z)
        features = self.bank.synthesise(latents, noise=self.point.noise, stop_at=head.resolution // 2).features
        image = (head(features[head.resolution // 2], latents) + 1) / 2
        return self._look(image, latents, correction, largest=head.resolution // 2)

    def walk(self, look: Callable[[], Look], rates: Iterable[float]) -> None:
        """Go a step at each rate, down from what a look shows. A search that diverges stops for good."""
        for rate in rates:
            if self.seen.diverged:
                return
            loss = look().loss
            if self.seen.diverges(loss.item()):
                return
            self._walk.step(loss, rate)
            self.seen.steps += 1

    def _look(
        self, image: Tensor, latents: Tensor, correction: Tensor | None = None, largest: int | None = None
    ) -> Look:
        lr = self.task.lr
        if largest is not None and lr.shape[-1] > largest:
            lr = resize_tensor(lr, largest, largest)
        made = shrunk(image, lr)
        made = made if correction is None else made + correction
        return Look(made, loss.total(made, lr, latents, self.task.eps))


def run(
    bank: Bank, prior: Prior, task: Task, how: Literal["surrogate", "full"]
) -> tuple[Tensor, dict[str, float]]:
    """Return the best image of a search (1, 3, R, R), and what is worth recording of it."""
    found = (through_surrogates if how == "surrogate" else published)(bank, prior, task)
    image, values = found.seen.found()
    return image, {"missed_eps": float(values["lr_mse"] > task.eps), **values}


def published(bank: Bank, prior: Prior, task: Task) -> Search:
    """Search as published: every step looks with the whole bank."""
    search = Search(bank, prior, task, space.start(bank, task.seed))
    search.walk(search.whole, _cycle(task.steps))
    return search


def through_surrogates(bank: Bank, prior: Prior, task: Task) -> Search:
    """Search through a coarse surrogate, then a finer one where the LR has more to say, then correct it.

    The whole bank says how wrong the surrogate's LR is at the point that was reached. With that difference added
    the walk goes on, until the whole bank's own LR is within eps.
    """
    coarse, head = surrogate.load(bank, surrogate.RESOLUTIONS[0]), surrogate.load(bank, _surrogate_for(task.lr))
    search = Search(bank, prior, task, _nearest(bank, prior, task))
    with torch.no_grad():
        search.whole()
    search.walk(partial(search.through, coarse), _cycle(task.steps))
    fine = math.ceil(task.steps * FINE_SHARE) if head.resolution != coarse.resolution else 0
    search.walk(partial(search.through, head), (FINE_RATE * (1 - step / fine) for step in range(fine)))
    rounds = min(ROUNDS, task.steps)
    for turn in range(rounds + 1):
        with torch.no_grad():
            made = search.whole().made
            correction = made - search.through(head).made
        if turn == rounds or search.seen.diverged or loss.l2(made, task.lr, 0.0) <= task.eps:
            break
        look = partial(search.through, head, correction)
        search.walk(look, repeat(ROUND_RATE * (1 - turn / rounds), math.ceil(task.steps * ROUND_SHARE)))
    return search


def _cycle(steps: int) -> Iterable[float]:
    return (one_cycle(step, steps) for step in range(steps))


def _surrogate_for(lr: Tensor) -> int:
    """Return the least resolution of a surrogate that is twice the LR's, or the largest there is."""
    return next((res for res in surrogate.RESOLUTIONS if res >= 2 * lr.shape[-1]), surrogate.RESOLUTIONS[-1])


@torch.no_grad()
def _nearest(bank: Bank, prior: Prior, task: Task) -> Point:
    """Return the random face, one latent in all slots, whose LR is nearest to the wanted one."""
    point, head = space.start(bank, task.seed), surrogate.load(bank, surrogate.RESOLUTIONS[0])
    faces = space.faces(bank, task.seed, CANDIDATES)
    latents = prior.latents(faces)
    features = bank.synthesise(latents, noise=point.noise, stop_at=head.resolution // 2).features
    made = shrunk((head(features[head.resolution // 2], latents) + 1) / 2, task.lr)
    nearest = (made - task.lr).square().mean((1, 2, 3)).argmin()
    point.z.copy_(faces[nearest].expand_as(point.z))
    return point
