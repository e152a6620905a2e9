"""The LR operator: the part that decides every number.

LR is what MATLAB's `imresize(im2double(I), 1/factor)` computes (Keys' cubic, a = -0.5, stretched by the factor
against aliasing, symmetric padding, no rounding between the axes), then clipped and rounded once, half to even,
to 8 bits. Rows are shrunk first, as MATLAB does for equal scales.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.base.errors import ImageError
from bench.base.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor

VERSION = "matlab-bicubic|uint8|half-even|v1"

_Float = npt.NDArray[np.float64]


def _cubic(x: _Float) -> _Float:
    """Keys' cubic kernel with a = -0.5, support 4."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


@lru_cache(maxsize=64)
def resize_matrix(size: int, out: int, scale: float | None = None) -> _Float:
    """Return the (out, size) matrix that resizes one axis, antialiased when it shrinks.

    With a scale of its own the first pixels stay where that puts them, and `out` says how many are made.
    """
    scale = scale or out / size
    stretch = min(scale, 1.0)
    centre = (np.arange(out) + 0.5) / scale - 0.5
    support = 4.0 / stretch
    taps = int(np.ceil(support)) + 2
    index = np.floor(centre - support / 2).astype(int)[:, None] + np.arange(taps)
    weight = stretch * _cubic(stretch * (centre[:, None] - index))
    weight /= weight.sum(1, keepdims=True)
    mirror = np.mod(index, 2 * size)
    mirror = np.where(mirror < size, mirror, 2 * size - 1 - mirror)
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], mirror), weight)
    return matrix


def make_lr(hr: Pixels, factor: int) -> Pixels:
    """Shrink an HR image by an integer factor.

    Raises:
        ImageError: when a side is not divisible by the factor.
    """
    height, width = hr.shape[:2]
    if height % factor or width % factor:
        what = f"HR image cannot be shrunk by {factor}"
        remedy = f"prepare it for that, NAME[prepare=mod-crop:{factor}], or for a multiple of all factors"
        raise ImageError(what, got=f"{width}x{height}", expected=f"sides divisible by {factor}", remedy=remedy)
    return resize(hr, height // factor, width // factor)


def resize(image: Pixels, height: int, width: int) -> Pixels:
    """Resize with the protocol's kernel and round once."""
    rows, columns = resize_matrix(image.shape[0], height), resize_matrix(image.shape[1], width)
    scaled = image.astype(np.float64) / 255
    shrunk = np.einsum("oh,hwc->owc", rows, scaled, optimize=True)
    return quantise(np.einsum("pw,owc->opc", columns, shrunk, optimize=True))


def quantise(image: npt.NDArray[np.floating]) -> Pixels:
    """Clip [0, 1] values and round half to even, to 8 bits."""
    return np.rint(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8)


def resize_tensor(image: Tensor, height: int, width: int, scale: float | None = None) -> Tensor:
    """Resize tensors (N, C, H, W) with the protocol's kernel, unrounded and differentiable.

    See `resize_matrix` for `scale`.
    """
    rows, columns = (
        image.new_tensor(resize_matrix(size, out, scale))
        for size, out in zip(image.shape[-2:], (height, width), strict=True)
    )
    return rows @ image @ columns.T
