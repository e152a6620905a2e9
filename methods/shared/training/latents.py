"""Fits the linear guess of the latents from an LR image's colours, before the first step."""

import logging

import torch
from torch import Tensor, nn

from methods.shared import linear_guess
from methods.shared.training.losses import by_slot
from methods.shared.training.pool import Pool
from methods.shared.training.samples import to_signed

log = logging.getLogger(__name__)


def fit_to_pool(layer: nn.Linear, pool: Pool, side: int) -> None:
    """Fit the guess of a latent's offset from the bank's mean to the samples that a pool begins with.

    The guess is one for all slots: where every slot has a latent of its own, it is that of their mean.

    Args:
        layer: from what `linear_guess.average_pixels` returns to an offset.
        pool: whose samples.
        side: of the LR images that are looked at.
    """
    lr, latents = [], []
    for index in range(pool.first):
        item = pool.samples[index]
        if item.latent is not None and not item.warped:
            lr.append(to_signed(item.lr[side]).cpu())
            latents.append(torch.from_numpy(item.latent))
    mean = pool.samples.bank.mean_latent.cpu()
    fit_guess(layer, linear_guess.average_pixels(torch.stack(lr)), by_slot(torch.stack(latents)).mean(1) - mean)


def fit_guess(layer: nn.Linear, inputs: Tensor, targets: Tensor) -> None:
    """Fit a linear layer by ridge regression, its strength chosen on an eighth of the pairs."""
    inputs, targets = inputs.double(), targets.double()
    mean, level, held = inputs.mean(0), targets.mean(0), len(inputs) // 8
    x, targets = inputs - mean, targets - level

    def solve(x: Tensor, y: Tensor, strength: float) -> Tensor:
        return torch.linalg.solve(x.T @ x + strength * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)

    def error(strength: float) -> float:
        left = targets[:held] - x[:held] @ solve(x[held:], targets[held:], strength)
        return float(left.square().mean() / targets.square().mean())

    errors = {strength: error(strength) for strength in (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)}
    best = min(errors, key=errors.__getitem__)
    log.info("linear guess of the latents: %.3f of the variance left at strength %g", errors[best], best)
    weight = solve(x, targets, best)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        layer.bias.copy_(level - mean @ weight)
