"""Losses that trainings share, besides the perceptual ones."""

from torch import Tensor
from torch.nn import functional as F

LATENT_VARIANCE = 0.15
"""The variance of w at the truncations that are trained on."""


def generator_loss(fake: Tensor) -> Tensor:
    """Plain non-saturating logistic loss of the generator, from the discriminator's scores."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Plain logistic loss of the discriminator; no gradient penalty, as in the paper."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def relativistic_generator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Relativistic average loss of the generator (ESRGAN): generated images shall look the more real ones."""
    return _relative(fake, real)


def relativistic_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Relativistic average loss of the discriminator (ESRGAN): real images shall look the more real ones."""
    return _relative(real, fake)


def _relative(more: Tensor, less: Tensor) -> Tensor:
    return (F.softplus(less.mean() - more).mean() + F.softplus(less - more.mean()).mean()) / 2


def feature_loss(features: Tensor, targets: Tensor, exact: Tensor) -> Tensor:
    """Squared distance of features (N, C, h, w) of exact images, in units of each channel's spread."""
    if not exact.any():
        return features.sum() * 0
    features, targets = features[exact].float(), targets[exact].float()
    spread = targets.std((0, 2, 3), keepdim=True) + 1e-3
    return ((features - targets) / spread).clamp(-8, 8).square().mean()


def by_slot(latents: Tensor) -> Tensor:
    """Return latents (N, slots, width) as they are, and those all slots share, (N, width), as (N, 1, width)."""
    return latents if latents.ndim == 3 else latents[:, None]


def latent_loss(latents: Tensor, targets: Tensor, exact: Tensor) -> Tensor:
    """Squared distance of latents (N, slots, width) to those of the exact images, (N, width) or one a slot."""
    error = (latents.float() - by_slot(targets)).square().mean((1, 2))
    return (error * exact).sum() / exact.sum().clamp(min=1)
