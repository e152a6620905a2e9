"""Losses that trainings share, besides the perceptual ones."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def generator_loss(fake: Tensor) -> Tensor:
    """Plain non-saturating logistic loss of the generator, from the discriminator's scores."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Plain logistic loss of the discriminator; no gradient penalty, as in the paper."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def relativistic_generator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Relativistic average loss of the generator (ESRGAN): made images shall look more real than real ones."""
    return _relative(fake, real)


def relativistic_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Relativistic average loss of the discriminator (ESRGAN): real images shall look more real than made ones."""
    return _relative(real, fake)


def _relative(more: Tensor, less: Tensor) -> Tensor:
    return (F.softplus(less.mean() - more).mean() + F.softplus(less - more.mean()).mean()) / 2


def feature_loss(made: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Squared distance of features (N, C, h, w) of known images, in units of each channel's spread."""
    if not known.any():
        return made.sum() * 0
    made, truth = made[known].float(), truth[known].float()
    spread = truth.std((0, 2, 3), keepdim=True) + 1e-3
    return ((made - truth) / spread).clamp(-8, 8).square().mean()


def by_slot(latents: Tensor) -> Tensor:
    """Return latents (N, slots, width) as they are, and those all slots share, (N, width), as (N, 1, width)."""
    return latents if latents.ndim == 3 else latents[:, None]


def latent_loss(made: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Squared distance of latents (N, slots, width) to those of the known images, (N, width) or one a slot."""
    error = (made.float() - by_slot(truth)).square().mean((1, 2))
    return (error * known).sum() / known.sum().clamp(min=1)
