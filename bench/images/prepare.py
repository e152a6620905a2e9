"""How an HR image is prepared: left as it is, cropped at its centre, or squashed to a square."""

import re
from typing import Literal, NamedTuple, cast

from bench.base.errors import ImageError, UsageError
from bench.base.types import Pixels
from bench.images.decode import MAX_PIXELS, SIZE_LIMIT
from bench.images.degradation import resize

_SIDES = r"[1-9]\d{0,8}(/[1-9]\d{0,8})*"


class Preparation(NamedTuple):
    """How an image becomes HR."""

    how: Literal["none", "centre-crop", "squash"]
    sizes: tuple[int, ...] = ()
    """Sides of the square; a crop takes the first that fits."""

    def __call__(self, image: Pixels, name: str) -> Pixels:
        """Prepare an image; its name is for the error.

        Raises:
            ImageError: when it is smaller than every crop.
        """
        match self.how:
            case "none":
                return image
            case "centre-crop":
                return _centre_crop(image, self.sizes, name)
            case "squash":
                return resize(image, self.sizes[0], self.sizes[0])


def parse_preparation(text: str) -> Preparation:
    """Read `none`, `centre-crop:N`, `centre-crop:N/M` (the first that fits) or `squash:N`.

    Squashing does not keep the aspect ratio, as the authors of GLEAN prepared everything but faces.

    Raises:
        UsageError: for anything else.
    """
    how, _, sides = text.partition(":")
    sizes = tuple(int(side) for side in sides.split("/")) if re.fullmatch(_SIDES, sides) else ()
    if how == "squash" and sizes and sizes[0] ** 2 > MAX_PIXELS:
        raise UsageError(f"preparation '{text}' makes too large an image", expected=SIZE_LIMIT)
    if text == "none" or (how == "centre-crop" and sizes) or (how == "squash" and len(sizes) == 1):
        return Preparation(cast(Literal["none", "centre-crop", "squash"], how), sizes)
    expected = "none, centre-crop:N, centre-crop:N/M or squash:N, in pixels"
    raise UsageError("unknown preparation", got=f"'{text[:60]}'", expected=expected)


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
