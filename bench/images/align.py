"""FFHQ's alignment: the square that the eyes and the mouth of a face span, turned upright (Karras et al., 2019).

The order of steps, their roundings and their filters are those of the `recreate_aligned_images` of the dataset, so
that a method trained on FFHQ sees the frame that it knows: https://github.com/NVlabs/ffhq-dataset
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from bench.base.errors import ImageError
from bench.base.types import Pixels
from bench.networks.dlib import DlibLandmarks

_Points = npt.NDArray[np.float64]
_SUPERSAMPLED = 4096
"""The side at which the square is sampled before it is averaged down."""
OUTSIDE = 0.1
"""How much of the square may lie outside the image: what is mirrored there was never photographed."""


class FaceSquare(NamedTuple):
    """A square on an image, in pixels as x, y."""

    corners: _Points
    """(4, 2): upper left, lower left, lower right, upper right, seen from the face."""
    side: float

    def moved(self, by: tuple[float, float], scale: float = 1.0) -> "FaceSquare":
        """Return the square after its image was shrunk by `scale`, then moved."""
        return FaceSquare(self.corners / scale + np.array(by), self.side / scale)

    def outside(self, width: int, height: int) -> float:
        """Return which share of it, by 64 x 64 points, lies outside an image, in [0, 1]."""
        x, y = np.meshgrid(*[(np.arange(64) + 0.5) / 64] * 2)
        upper_left, lower_left, _, upper_right = self.corners
        points = upper_left + x[..., None] * (upper_right - upper_left) + y[..., None] * (lower_left - upper_left)
        is_inside = ((points >= 0) & (points < [width, height])).all(-1)
        return 1.0 - float(is_inside.mean())

    def bounds(self) -> tuple[int, int, int, int]:
        """Return the upright box around it: left, top, right, bottom."""
        left, top = np.floor(self.corners.min(0)).astype(int)
        right, bottom = np.ceil(self.corners.max(0)).astype(int)
        return int(left), int(top), int(right), int(bottom)


def align_face(image: Pixels, size: int, name: str) -> Pixels:
    """Return the largest face of an image, aligned, (size, size, 3).

    Raises:
        ImageError: when dlib finds no face, its square has fewer pixels than the result, or more than `OUTSIDE` of
            it lies outside the image.
    """
    finder = _finder()
    try:
        square = face_square(finder.points(image, finder.largest_face(image)))
    except ImageError as error:
        what = f"dlib finds no face in image {name}"
        raise ImageError(
            what, expected=error.expected, remedy="leave it out, or name another preparation"
        ) from error
    if square.side < size:
        got, expected = f"{square.side:.0f} pixels", f"at least {size}"
        smaller = 1 << int(square.side).bit_length() - 1
        remedy = f"give prepare=align-face:{smaller} for the whole category, or leave it out"
        raise ImageError(f"the face of image {name} is too small", got=got, expected=expected, remedy=remedy)
    if (outside := square.outside(image.shape[1], image.shape[0])) > OUTSIDE:
        what, got = f"the frame of the face in image {name} leaves the image", f"{outside:.0%} of it outside"
        remedy = "leave it out, or name another preparation"
        raise ImageError(what, got=got, expected=f"at most {OUTSIDE:.0%}", remedy=remedy)
    return cut_square(image, square, size)


def face_square(points: _Points) -> FaceSquare:
    """Return the square of a face by its 68 points, (68, 2)."""
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    eyes, mouth = (left + right) / 2, (points[48] + points[54]) / 2
    across, down = right - left, mouth - eyes
    x = across - down[::-1] * [-1, 1]
    x *= max(np.hypot(*across) * 2.0, np.hypot(*down) * 1.8) / np.hypot(*x)
    y, centre = x[::-1] * [-1, 1], eyes + down * 0.1
    return FaceSquare(
        np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y]), float(np.hypot(*x) * 2)
    )


def cut_square(image: Pixels, square: FaceSquare, size: int) -> Pixels:
    """Return a square of an image, upright, (size, size, 3); what lies outside is mirrored and blurred."""
    picture = Image.fromarray(image, "RGB")
    if (shrink := int(square.side / size * 0.5)) > 1:
        sides = (int(np.rint(side / shrink)) for side in picture.size)
        picture, square = (
            picture.resize((next(sides), next(sides)), Image.Resampling.LANCZOS),
            square.moved((0, 0), shrink),
        )
    border = max(int(np.rint(square.side * 0.1)), 3)
    left, top, right, bottom = square.bounds()
    box = (
        max(left - border, 0), max(top - border, 0),
        min(right + border, picture.width), min(bottom + border, picture.height),
    )  # fmt: skip
    picture, square = picture.crop(box), square.moved((-box[0], -box[1]))
    picture, square = _padded(picture, square, border)
    corners = tuple((square.corners + 0.5).ravel())
    big = (_SUPERSAMPLED, _SUPERSAMPLED)
    sampled = picture.transform(big, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    return np.array(sampled.resize((size, size), Image.Resampling.LANCZOS))


def _padded(picture: Image.Image, square: FaceSquare, border: int) -> tuple[Image.Image, FaceSquare]:
    """Mirror what a square lacks of an image, the further out the more blurred and the more grey."""
    left, top, right, bottom = square.bounds()
    lacking = (-left, -top, right - picture.width, bottom - picture.height)
    pad = np.maximum(np.array(lacking) + border, 0)
    if pad.max() <= border - 4:
        return picture, square
    pad = np.maximum(pad, int(np.rint(square.side * 0.3)))
    values = np.pad(np.asarray(picture, np.float32), ((pad[1], pad[3]), (pad[0], pad[2]), (0, 0)), mode="reflect")
    height, width = values.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    inside = np.minimum(
        np.minimum(x / pad[0], (width - 1 - x) / pad[2]), np.minimum(y / pad[1], (height - 1 - y) / pad[3])
    )
    outside = 1.0 - inside[..., None]
    blur = square.side * 0.02
    values += (gaussian_filter(values, [blur, blur, 0]) - values) * np.clip(outside * 3.0 + 1.0, 0.0, 1.0)
    values += (np.median(values, axis=(0, 1)) - values) * np.clip(outside, 0.0, 1.0)
    levels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return Image.fromarray(levels, "RGB"), square.moved((int(pad[0]), int(pad[1])))


@lru_cache(maxsize=1)
def _finder() -> DlibLandmarks:
    return DlibLandmarks()
