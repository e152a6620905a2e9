"""The training of SinGAN: one GAN a scale, from the coarsest to the LR itself."""

import copy
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bench import Size
from bench.base.counting import Steps
from bench.images.degradation import resize_tensor
from methods.shared.presets import Preset
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
FULL = 64 * 64
"""The pixels of the LR that `iterations` is for."""


class PyramidConfig(NamedTuple):
    """How long a scale is trained, and how wide its networks are."""

    iterations: int
    """Of an LR of 64 x 64 pixels and more."""
    most: int
    """Of a smaller one: in inverse proportion to its pixels, up to this many; the time stays much the same."""
    width: int
    published: bool
    """Whether, as published, the width doubles after every four scales, images are resized by the ratio of the
    scales and not to exact sizes, and biases begin as PyTorch's do."""


PRESETS: dict[Preset, PyramidConfig] = {
    "fast": PyramidConfig(40, 400, 32, published=False),
    "paper": PyramidConfig(2000, 2000, 32, published=True),
}


def configure(preset: Preset, iterations: int = 0) -> PyramidConfig:
    """Return a preset, with other iterations a scale where they are not 0."""
    config = PRESETS[preset]
    return config._replace(iterations=iterations, most=iterations) if iterations else config


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
    ratio: float | None = None
    """From a scale to the next one; None where the sizes alone decide."""
    error: float = math.inf
    """The mean squared error in [-1, 1] of the finest trained scale's rebuilt image."""
    diverged: bool = False

    def values(self) -> dict[str, float]:
        """Return the values to record."""
        return {"scales": float(len(self.levels)), "rebuilt_mse": self.error, "diverged": float(self.diverged)}


def sizes(height: int, width: int) -> list[Size]:
    """Return the sizes of the scales, coarse to fine, the image's own the last.

    Their ratio is the one just below 2^(1/3) that makes the coarsest side 18, as published.
    """
    side = min(height, width)
    coarsest = min(COARSEST, math.ceil(side / RATIO))  # 18 would lie above the image itself at 16 pixels
    steps = math.floor(math.log(side / coarsest) / math.log(RATIO)) + 1
    shares = [(coarsest / side) ** (step / steps) for step in range(steps, -1, -1)]
    return [(math.ceil(height * share - 1e-9), math.ceil(width * share - 1e-9)) for share in shares]


def fit(image: Tensor, random: torch.Generator, config: PyramidConfig) -> Fitted:
    """Train the scales on an image (1, 3, h, w) in [-1, 1].

    A trained scale runs with its running statistics from then on, as published. One whose losses are not finite is
    stopped, and keeps the weights that rebuilt the image best.
    """
    pyramid = sizes(*image.shape[2:])
    ratio = (min(image.shape[2:]) / min(pyramid[0])) ** (1 / (len(pyramid) - 1))
    fitted = Fitted(ratio=ratio if config.published else None)
    before: tuple[Generator, Critic] | None = None
    iterations = max(config.iterations, min(config.most, config.iterations * FULL // image[0, 0].numel()))
    for number, size in enumerate(pyramid):
        width = min(config.width << (number // 4 if config.published else 0), WIDEST)
        before = _networks(width, before, random, image.device, biased=config.published)
        scale = fitted.ratio and fitted.ratio ** (number + 1 - len(pyramid))
        _train(fitted, resize_tensor(image, *size, scale), before, random, iterations)
    return fitted


def _networks(
    width: int,
    before: tuple[Generator, Critic] | None,
    random: torch.Generator,
    device: torch.device,
    *,
    biased: bool,
) -> tuple[Generator, Critic]:
    """Return the networks of a scale, begun with the weights of the scale before where those fit."""
    networks = Generator(width), Critic(width)
    for number, network in enumerate(networks):
        initialise(network, random, biased=biased)
        if before is not None and before[0].width == width:
            network.load_state_dict(before[number].state_dict())
        network.to(device)
    return networks


def _train(
    fitted: Fitted, real: Tensor, networks: tuple[Generator, Critic], random: torch.Generator, iterations: int
) -> None:
    generator = networks[0]
    size, coarsest = (int(real.shape[2]), int(real.shape[3])), fitted.anchor is None
    if fitted.anchor is None:
        fitted.anchor = noise(real, random, coarsest=True)
        anchored, amplitude = (fitted.anchor, torch.zeros_like(real)), 1.0
    else:
        anchored = torch.zeros_like(real), coarser(fitted, size, None)
        amplitude = NOISE * float(F.mse_loss(anchored[1], real)) ** 0.5
    optimisers = [torch.optim.Adam(network.parameters(), RATE, BETAS) for network in networks]
    best, least = _weights(networks), math.inf
    steps = Steps()
    for step in range(iterations):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = RATE * (DROP if step >= DROP_AT * iterations else 1.0)
        with steps.step():
            added = amplitude * noise(real, random, coarsest=coarsest)
            drawn = [(added, coarser(fitted, size, random)) for _ in range(TURNS)]
            inputs = _Inputs(drawn, anchored, real, torch.rand(TURNS, generator=random).to(real))
            error, sound = _iterate(networks, optimisers, inputs)
        if not sound:
            for network, weights in zip(networks, best, strict=True):
                network.load_state_dict(weights)
            fitted.diverged = True
            break
        if error < least:
            best, least = _weights(networks), error
    fitted.levels.append(Level(generator.eval(), amplitude, size))
    with torch.no_grad():
        fitted.error = float(F.mse_loss(generator(*anchored), real))


def _weights(networks: tuple[Generator, Critic]) -> list[dict[str, Tensor]]:
    return copy.deepcopy([network.state_dict() for network in networks])


class _Inputs(NamedTuple):
    """The inputs of one iteration."""

    drawn: list[tuple[Tensor, Tensor]]
    """Random noise, and a random coarser image, one a turn of the critic; the generator turns on the last."""
    anchored: tuple[Tensor, Tensor]
    """The noise that rebuilds the image, and the rebuilt coarser image."""
    real: Tensor
    shares: Tensor
    """Where between the real and the fake image the penalty is taken, one a turn."""


def _iterate(
    networks: tuple[Generator, Critic], optimisers: list[torch.optim.Adam], inputs: _Inputs
) -> tuple[float, bool]:
    """Turn the critic and the generator; return the rebuilt image's error, and whether all losses were finite."""
    (generator, critic), (drawn, anchored, real, shares) = networks, inputs
    losses: list[Tensor] = []
    for pair, share in zip(drawn, shares, strict=True):
        with torch.no_grad():
            fake = generator(*pair)
        losses.append(critic_loss(critic, real, fake, share))
        _descend(losses[-1], optimisers[1])
    critic.requires_grad_(False)
    error = torch.zeros(())
    for _ in range(TURNS):
        fake, rebuilt = generator(*drawn[-1]), generator(*anchored)
        error = F.mse_loss(rebuilt, real).detach()
        losses.append(generator_loss(critic(fake), rebuilt, real))
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
    image = like.new_zeros(1, 3, *(fitted.levels[0].size if fitted.levels else size))
    sizes = [level.size for level in fitted.levels[1:]] + [size]
    for number, (level, after) in enumerate(zip(fitted.levels, sizes, strict=False)):
        anchor = like if number == 0 else torch.zeros_like(image)
        added = anchor if random is None else noise(image, random, coarsest=number == 0)
        image = resized(level.generator(level.amplitude * added, image), after, fitted.ratio)
    return image


def resized(image: Tensor, size: Size, scale: float | None = None) -> Tensor:
    """Resize an image in [-1, 1], clipped before and after, as images of 8 bits are."""
    return resize_tensor(image.clamp(-1, 1), *size, scale).clamp(-1, 1)


def noise(like: Tensor, random: torch.Generator, *, coarsest: bool = False) -> Tensor:
    """Return unit noise of an image's shape; at the coarsest scale its channels are alike, as published."""
    drawn = torch.randn(1, 1 if coarsest else 3, *like.shape[2:], generator=random)
    return drawn.to(like).expand_as(like)
