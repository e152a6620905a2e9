"""Where PULSE searches: latents and noise on spheres, optimised by Adam."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from bench import Bank
from bench.base.seeds import Domain

RATE = 0.4
TRAINED_NOISES = 5
"""The coarsest noise maps are searched too; of the others the finest is silent, and the rest stay as drawn."""
_SLOPE = 0.2
_DRAWS = 4096


class Prior(NamedTuple):
    """The Gaussian that the mapped latents follow before their last LeakyReLU."""

    mean: Tensor
    std: Tensor
    slope: float = _SLOPE
    """Of that LeakyReLU; 1 for none."""

    def latents(self, z: Tensor) -> Tensor:
        """Return the latents of Gaussian z (..., width)."""
        return F.leaky_relu(z * self.std + self.mean, self.slope)


def fit(bank: Bank) -> Prior:
    """Fit the prior to latents of the bank; those of a bank without a mapping are the Gaussian itself."""
    if bank.latents.slots == 1:
        return Prior(torch.zeros_like(bank.mean_latent), torch.ones_like(bank.mean_latent), slope=1.0)
    before = F.leaky_relu(bank.sample(range(_DRAWS), Domain.FITTING), 1 / _SLOPE)
    return Prior(before.mean(0), before.std(0))


class Point(NamedTuple):
    """One place of the search."""

    z: Tensor
    """(1, slots, width)."""
    noise: list[Tensor]
    """(1, 1, r, r), coarse to fine; none for a bank without noise."""

    @property
    def moving(self) -> list[Tensor]:
        """What the search changes."""
        return [self.z, *self.noise[:TRAINED_NOISES]]


def start(bank: Bank, seed: int) -> Point:
    """Return the random point that a seed names, the same on every device."""
    generator, device = torch.Generator().manual_seed(seed), bank.mean_latent.device
    z = torch.randn(1, *bank.latents, generator=generator).to(device)
    noise = [torch.randn(1, 1, *size, generator=generator).to(device) for size in bank.noise_shapes()]
    for finest in noise[-1:]:
        finest.zero_()
    point = Point(z, noise)
    for tensor in point.moving:
        tensor.requires_grad_()
    return point


def candidates(bank: Bank, seed: int, count: int) -> Tensor:
    """Return z of random images, one latent for all slots: (count, width)."""
    generator = torch.Generator().manual_seed(seed + 1)
    return torch.randn(count, bank.latents.width, generator=generator).to(bank.mean_latent.device)


class SphericalAdam(torch.optim.Adam):
    """Adam whose every step ends on the sphere it began on: one an image and slot, or noise map."""

    def __init__(self, tensors: list[Tensor]) -> None:
        super().__init__(tensors, RATE)
        self.tensors = tensors
        self.radii = [_length(tensor).detach() for tensor in tensors]

    def step(self, closure: Any = None) -> Any:
        """Go a step and return to the spheres."""
        loss = super().step(closure)
        with torch.no_grad():
            for tensor, radius in zip(self.tensors, self.radii, strict=True):
                tensor.mul_(radius / _length(tensor))
        return loss


def one_cycle(step: int, steps: int) -> float:
    """Return the relative rate of `linear1cycledrop`: up and down over 90 % of the steps, then to almost 0."""
    turn = 0.9 * steps
    if step < turn:
        return 1 - 0.9 * abs(2 * step / turn - 1)
    return 0.1 - 0.099 * (step - turn) / (steps - turn)


def _length(tensor: Tensor) -> Tensor:
    return (tensor.square().sum(tuple(range(2, tensor.ndim)), keepdim=True) + 1e-9).sqrt()
