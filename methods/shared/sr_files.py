"""SR images that another program made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench import ImageError, MethodError, Size
from bench.images.decode import read_image
from bench.images.png import to_tensor

if TYPE_CHECKING:
    from torch import Tensor


def read_sr(path: Path, size: Size, what: str) -> Tensor:
    """Read an SR image of a known size: float32 in [0, 1], (1, 3, H, W).

    Args:
        path: the file.
        size: the height and width that it must have.
        what: how errors call it.

    Raises:
        MethodError: when it cannot be read as 8-bit RGB, or has another size.
    """
    try:
        pixels = read_image(path, what)
    except ImageError as error:
        raise MethodError(str(error)) from error
    if pixels.shape[:2] != size:
        got, expected = (f"{width}x{height}" for height, width in (pixels.shape[:2], size))
        raise MethodError(f"image {what} has the wrong size", got=got, expected=expected)
    return to_tensor(pixels)
