"""The input of a linear guess of the latents. The guess is fitted in `methods.shared.training.latents`."""

from torch import Tensor
from torch.nn import functional as F

SIDE = 16
"""The side to which every LR is averaged."""
INPUTS = 3 * SIDE**2


def average_pixels(lr: Tensor) -> Tensor:
    """Return the pixels of LR images (N, 3, h, h) averaged to 16x16: (N, `INPUTS`)."""
    return F.adaptive_avg_pool2d(lr, SIDE).flatten(1)
