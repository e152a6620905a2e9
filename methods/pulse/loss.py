"""The objective of PULSE: 100 * L2 + 0.05 * GEOCROSS."""

import torch
from torch import Tensor

L2_WEIGHT, GEOCROSS_WEIGHT = 100.0, 0.05
_TINY = 1e-9  # keeps the root differentiable where two vectors are equal


def l2(downsampled: Tensor, lr: Tensor, eps: float) -> Tensor:
    """Return the mean squared error of each image, no less than eps, summed over the images."""
    return (downsampled - lr).square().mean((1, 2, 3)).clamp(min=eps).sum()


def geocross(latents: Tensor) -> Tensor:
    """Return how far the slots' latents (N, slots, width) point in different directions.

    The angle between each two of them on the sphere, squared and scaled by width / 8, averaged over the pairs
    (each slot with itself included, as published) and summed over the images.
    """
    one, other = latents[:, None], latents[:, :, None]
    apart = ((one - other).square().sum(-1) + _TINY).sqrt()
    along = ((one + other).square().sum(-1) + _TINY).sqrt()
    angles = 2 * torch.atan2(apart, along)
    return angles.square().mean((1, 2)).sum() * latents.shape[2] / 8


def objective(downsampled: Tensor, lr: Tensor, latents: Tensor, eps: float) -> Tensor:
    """Return the loss of a downsampled image of these latents against the LR."""
    return L2_WEIGHT * l2(downsampled, lr, eps) + GEOCROSS_WEIGHT * geocross(latents)
