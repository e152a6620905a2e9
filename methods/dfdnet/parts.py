"""Where the parts of a face lie: boxes around the 68 landmarks of iBUG 300-W, as the authors' test draws them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench import MethodError

SIDE = 512
"""Of the image that the boxes are for."""
LANDMARKS: dict[str, list[int]] = {
    "left_eye": [*range(17, 22), *range(36, 42)],
    "right_eye": [*range(22, 27), *range(42, 48)],
    "nose": [*range(29, 36)],
    "mouth": [*range(48, 68)],
}
"""By the part that they belong to; left is left in the image."""
STRIDES = (2, 4, 8, 16)
"""Of the features that parts are cut from."""
LEAST = 16
"""Half of a box's side, in pixels."""
MEAN_FACE = Path(__file__).with_name("mean_face.csv")
"""x, y of the mean landmarks of aligned faces; `python -m scripts.mean_face` writes it."""


def key(part: str, stride: int) -> str:
    """Return the name of a part at a stride, as the authors have it: by the side of the feature."""
    return f"{part}_{SIDE // stride}"


ARRAYS = {name: f"{name}_center.npy" for name in (key(part, stride) for stride in STRIDES for part in LANDMARKS)}
"""The files of the authors' dictionary by the name of their part and stride."""


class Box(NamedTuple):
    """A square in pixels of the image; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int


def boxes(points: npt.NDArray[np.float64]) -> dict[str, Box]:
    """Return the box of each part.

    Args:
        points: the landmarks (68, 2) as x, y in pixels of an image of SIDE.

    Raises:
        MethodError: when one leaves the image.
    """
    parts = {}
    for part, numbers in LANDMARKS.items():
        own = points[numbers]
        centre, half = own.mean(0), max(np.ptp(own, axis=0).max() / 2, LEAST)
        box = Box(*np.hstack([centre - half + 1, centre + half]).astype(int).tolist())
        if min(box) < 0 or max(box) > SIDE:
            got = f"x {box.left} to {box.right}, y {box.top} to {box.bottom}"
            remedy = "align the face, or give landmarks=mean"
            raise MethodError(
                f"the box of the {part} leaves the image", got=got, expected=f"0 to {SIDE}", remedy=remedy
            )
        parts[part] = box
    return parts


def mean_face() -> npt.NDArray[np.float64]:
    """Return the landmarks (68, 2) of the mean face in an image of SIDE."""
    return np.loadtxt(MEAN_FACE, delimiter=",")
