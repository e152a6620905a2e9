"""How an HR image is prepared: as it is, cropped at its edges or its centre, squashed, or aligned to a face."""

import importlib.util
import re
from typing import Literal, NamedTuple, cast, get_args

from bench.base.errors import ImageError, Unavailable, UsageError
from bench.base.types import Pixels
from bench.images.decode import MAX_PIXELS, SIZE_LIMIT
from bench.images.degradation import resize

How = Literal["none", "mod-crop", "centre-crop", "squash", "align-face"]
MOD_CROP = 64
"""What a folder's sides are cropped to a multiple of: all default factors divide it, so HR is one for all."""
_SIDES = r"[1-9]\d{0,8}(/[1-9]\d{0,8})*"


class Preparation(NamedTuple):
    """How an image becomes HR."""

    how: How
    sizes: tuple[int, ...] = ()
    """Sides of the square, of which a centre crop takes the first that fits; the divisor of a mod-crop."""

    def __str__(self) -> str:
        return ":".join([self.how, *(["/".join(map(str, self.sizes))] if self.sizes else [])])

    def __call__(self, image: Pixels, name: str) -> Pixels:
        """Prepare an image; its name is for the error.

        Raises:
            ImageError: when it is smaller than every crop, or shows no face to align.
        """
        match self.how:
            case "none":
                return image
            case "mod-crop":
                return _mod_crop(image, self.sizes[0], name)
            case "align-face":
                from bench.images.align import align_face

                return align_face(image, self.sizes[0], name)
            case "centre-crop":
                return _centre_crop(image, self.sizes, name)
            case "squash":
                return resize(image, self.sizes[0], self.sizes[0])


def parse_preparation(text: str) -> Preparation:
    """Read one of the ways to prepare an image.

        none               as it is
        mod-crop:N         cropped at the right and bottom to multiples of N, as the field does
        centre-crop:N/M    the square in the middle, the first size that fits
        squash:N           resized to a square, its aspect ratio lost, as GLEAN's authors prepared all but faces
        align-face:N       the largest face in FFHQ's alignment; needs dlib

    Raises:
        UsageError: for anything else.
        Unavailable: when faces are to be aligned without dlib.
    """
    how, _, sides = text.partition(":")
    sizes = tuple(int(side) for side in sides.split("/")) if re.fullmatch(_SIDES, sides) else ()
    if how in ("squash", "align-face") and sizes and sizes[0] ** 2 > MAX_PIXELS:
        raise UsageError(f"preparation '{text}' makes too large an image", expected=SIZE_LIMIT)
    if text != "none" and not (how in get_args(How)[1:] and sizes and (how == "centre-crop" or len(sizes) == 1)):
        expected = "none, mod-crop:N, centre-crop:N, centre-crop:N/M, squash:N or align-face:N, in pixels"
        raise UsageError("unknown preparation", got=f"'{text[:60]}'", expected=expected)
    if how == "align-face" and importlib.util.find_spec("dlib") is None:
        remedy = "pip install 'glean-bench[identity]'"
        raise Unavailable("prepare=align-face needs the package dlib", remedy=remedy)
    return Preparation(cast(How, how), sizes)


def _mod_crop(image: Pixels, divisor: int, name: str) -> Pixels:
    height, width = image.shape[:2]
    if min(height, width) < divisor:
        smaller = 1 << min(height, width).bit_length() - 1
        expected = f"sides of at least {divisor}"
        remedy = f"give prepare=mod-crop:{smaller} for the whole category, and factors that divide it"
        raise ImageError(f"image {name} is too small", got=f"{width}x{height}", expected=expected, remedy=remedy)
    return image[: height - height % divisor, : width - width % divisor].copy()


def _centre_crop(image: Pixels, sizes: tuple[int, ...], name: str) -> Pixels:
    height, width = image.shape[:2]
    size = next((size for size in sizes if size <= min(height, width)), None)
    if size is None:
        what = f"image {name} is too small for its category"
        expected = f"at least {sizes[-1]}x{sizes[-1]}"
        remedy = "choose a smaller centre-crop, or leave it out"
        raise ImageError(what, got=f"{width}x{height}", expected=expected, remedy=remedy)
    top, left = (height - size) // 2, (width - size) // 2
    return image[top : top + size, left : left + size].copy()
