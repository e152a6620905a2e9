"""What a linear guess of the latents sees of an LR image. It is fitted in `methods.shared.training.latents`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

SIDE = 16
"""The side to which every LR is averaged."""
INPUTS = 3 * SIDE**2


def seen(lr: Tensor) -> Tensor:
    """Return the colours of an LR image (N, 3, h, h) at 16x16, (N, `INPUTS`)."""
    return F.adaptive_avg_pool2d(lr, SIDE).flatten(1)
