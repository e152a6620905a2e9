"""The last steps of a network that restores: enlarge, add detail, move the image onto those with the given LR."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.images.degradation import resize_matrix, resize_tensor


def enlarge(image: Tensor, size: int) -> Tensor:
    """Resize to a square with the protocol's kernel, in float32 whatever the precision around it."""
    with torch.autocast(image.device.type, enabled=False):
        return resize_tensor(image.float(), size, size)


def add_detail(image: Tensor, detailed: Tensor, share: Tensor) -> Tensor:
    """Bring an image to the bank's size, with a share of what the bank's image has above the image's own size."""
    size = detailed.shape[-1]
    detail = detailed - enlarge(F.adaptive_avg_pool2d(detailed, image.shape[-1]), size)
    return enlarge(image, size) + enlarge(share, size) * detail


def consistent(image: Tensor, lr: Tensor) -> Tensor:
    """Move an image to the nearest one that the protocol shrinks to this LR.

    An orthogonal projection on an affine set that holds the truth (but for the LR's rounding), so the squared
    error cannot grow: with D the protocol's downsampling, x + D^+ (lr - D x).
    """
    with torch.autocast(image.device.type, enabled=False):
        image, size, small = image.float(), image.shape[-1], lr.shape[-1]
        down = image.new_tensor(resize_matrix(size, small))
        up = image.new_tensor(pseudo_inverse(size, small))
        return image + up @ (lr.float() - down @ image @ down.T) @ up.T


@lru_cache(maxsize=32)
def pseudo_inverse(size: int, small: int) -> npt.NDArray[np.float64]:
    """Return that of the protocol's downsampling along one side, (size, small)."""
    return np.linalg.pinv(resize_matrix(size, small)).astype(np.float64)
