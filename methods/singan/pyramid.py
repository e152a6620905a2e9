"""The training of SinGAN: one GAN a scale, from the coarsest to the LR itself."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.contracts import Size
from bench.protocol import resize_tensor
from methods.inversion import Preset
from methods.singan import SMALLEST
from methods.singan.network import Critic, Generator, critic_loss, generator_loss, initialise

RATIO = 2 ** (1 / 3)
COARSEST = 18
NOISE = 0.1
RATE, BETAS = 5e-4, (0.5, 0.999)
TURNS = 3
"""Steps of the critic, then of the generator, an iteration."""
DROP_AT, DROP = 0.8, 0.1
"""Where in a scale's training the rates fall, and to what share."""
WIDEST = 128
FULL = 64
"""The side of the LR that the iterations are told for."""


class Plan(NamedTuple):
    """How long a scale is trained, and how wide its networks are."""

    iterations: int
    """Of an LR of 64 pixels and more."""
    most: int
    """Of a smaller one: in inverse proportion to its side, up to this many, so that the time stays about equal."""
    width: int
    widens: bool
    """Whether the width doubles after every four scales, as published."""


PLANS: dict[Preset, Plan] = {"fast": Plan(200, 800, 32, widens=False), "paper": Plan(2000, 2000, 32, widens=True)}


def plan(preset: Preset, iterations: int = 0) -> Plan:
    """Return a preset's plan, with other iterations a scale where they are not 0."""
    chosen = PLANS[preset]
    return chosen._replace(iterations=iterations, most=iterations) if iterations else chosen


class Level(NamedTuple):
    """A trained scale."""

    generator: Generator
    amplitude: float
    """Of its noise."""
    size: Size


@dataclass
class Fitted:
    """The scales, coarse to fine, and how their training went."""

    levels: list[Level] = field(default_factory=list)
    anchor: Tensor | None = None
    """The noise of the coarsest scale that rebuilds the image."""
    error: float = math.inf
    """The mean squared error in [-1, 1] of the finest scale's rebuilt image."""
    diverged: bool = False

    def values(self) -> dict[str, float]:
        """Return what is worth recording."""
        return {
            "scales": float(len(self.levels)),
            "rebuilt_mse": self.error,
            "diverged": float(self.diverged),
        }


def sizes(height: int, width: int) -> list[Size]:
    """Return the sizes of the scales, coarse to fine, the image's own the last."""
    side = min(height, width)
    coarsest = COARSEST if side > COARSEST * RATIO else SMALLEST
    steps = math.floor(math.log(side / coarsest) / math.log(RATIO) + 1e-9)
    return [(round(height / RATIO**k), round(width / RATIO**k)) for k in range(steps, -1, -1)]


def fit(image: Tensor, seed: int, plan: Plan) -> Fitted:
    """Train the scales on an image (1, 3, h, w) in [-1, 1].

    A scale whose losses are not finite is stopped, and keeps the weights that rebuilt the image best.
    """
    random = torch.Generator().manual_seed(seed)
    fitted = Fitted()
    before: tuple[Generator, Critic] | None = None
    iterations = max(plan.iterations, min(plan.most, plan.iterations * FULL // min(image.shape[2:])))
    for number, size in enumerate(sizes(*image.shape[2:])):
        width = min(plan.width << (number // 4 if plan.widens else 0), WIDEST)
        networks = _networks(width, before, random)
        networks = networks[0].to(image.device), networks[1].to(image.device)
        _train(fitted, resize_tensor(image, *size), networks, random, iterations)
        before = networks
    return fitted


def _networks(
    width: int, before: tuple[Generator, Critic] | None, random: torch.Generator
) -> tuple[Generator, Critic]:
    """Return the networks of a scale, begun with the weights of the scale before where those fit."""
    made = Generator(width), Critic(width)
    for number, network in enumerate(made):
        initialise(network, random)
        if before is not None and before[0].width == width:
            network.load_state_dict(before[number].state_dict())
    return made


def _train(
    fitted: Fitted,
    real: Tensor,
    networks: tuple[Generator, Critic],
    random: torch.Generator,
    iterations: int,
) -> None:
    generator, critic = networks
    size = (int(real.shape[2]), int(real.shape[3]))
    if fitted.anchor is None:
        fitted.anchor = _noise(real, random)
        anchor, below, amplitude = fitted.anchor, torch.zeros_like(real), 1.0
    else:
        anchor, below = torch.zeros_like(real), coarser(fitted, size, None)
        amplitude = NOISE * float(F.mse_loss(below, real)) ** 0.5
    optimisers = [torch.optim.Adam(network.parameters(), RATE, BETAS) for network in (generator, critic)]
    best, fitted.error = copy.deepcopy(generator.state_dict()), math.inf
    for step in range(iterations):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = RATE * (DROP if step >= DROP_AT * iterations else 1.0)
        noise, under = amplitude * _noise(real, random), coarser(fitted, size, random)
        inputs = _Inputs((noise, under), (anchor, below), real, torch.rand(TURNS, generator=random).to(real))
        error, sound = _iterate(networks, optimisers, inputs)
        if not sound:
            fitted.diverged = True
            break
        if error < fitted.error:
            best, fitted.error = copy.deepcopy(generator.state_dict()), error
    if fitted.diverged:
        generator.load_state_dict(best)
    fitted.levels.append(Level(generator, amplitude, size))


class _Inputs(NamedTuple):
    """What one iteration sees."""

    drawn: tuple[Tensor, Tensor]
    """Random noise, and a random coarser image."""
    anchored: tuple[Tensor, Tensor]
    """The noise that rebuilds the image, and the rebuilt coarser image."""
    real: Tensor
    shares: Tensor
    """Where between the real and the made image the penalty is taken, one a turn."""


def _iterate(
    networks: tuple[Generator, Critic], optimisers: list[torch.optim.Adam], inputs: _Inputs
) -> tuple[float, bool]:
    """Turn the critic and the generator; return the rebuilt image's error, and whether all losses were finite."""
    (generator, critic), (drawn, anchored, real, shares) = networks, inputs
    losses: list[Tensor] = []
    with torch.no_grad():
        fake = generator(*drawn)
    for share in shares:
        losses.append(critic_loss(critic, real, fake, share))
        _descend(losses[-1], optimisers[1])
    critic.requires_grad_(False)
    error = torch.zeros(())
    for _ in range(TURNS):
        rebuilt = generator(*anchored)
        error = F.mse_loss(rebuilt, real).detach()
        losses.append(generator_loss(critic(generator(*drawn)), rebuilt, real))
        _descend(losses[-1], optimisers[0])
    critic.requires_grad_(True)
    return float(error), bool(torch.stack([loss.detach() for loss in losses]).isfinite().all())


def _descend(loss: Tensor, optimiser: torch.optim.Adam) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


@torch.no_grad()
def coarser(fitted: Fitted, size: Size, random: torch.Generator | None) -> Tensor:
    """Return what the trained scales make, enlarged to a size (1, 3, *size): zeros when there are none.

    With a generator of random numbers it is a random image, without one the rebuilt one.
    """
    like = fitted.anchor if fitted.anchor is not None else torch.zeros(1, 3, *size)
    image = like.new_zeros(1, 3, *size)
    for number, level in enumerate(fitted.levels):
        below = like.new_zeros(1, 3, *level.size) if number == 0 else resize_tensor(image, *level.size)
        anchor = like if number == 0 else torch.zeros_like(below)
        noise = anchor if random is None else _noise(below, random)
        image = level.generator(level.amplitude * noise, below)
    return resize_tensor(image, *size) if fitted.levels else image


def _noise(like: Tensor, random: torch.Generator) -> Tensor:
    """Return unit noise of an image's shape."""
    return torch.randn(like.shape, generator=random).to(like)
