"""Do eyes, nose and mouth stand where they stood? The distance of the 68 landmarks of iBUG 300-W, by dlib.

The largest face of HR is found once, and its box is where the landmarks of HR and of every SR are sought: no
restored face is lost to a failed detection.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from bench.assets.declare import Asset
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.metrics.common import check_size, finite, needing_assets, require
from bench.networks.dlib import LANDMARKS_68, DlibLandmarks

_EYE_CORNERS = (36, 45)
"""The outer ones, whose distance 300-W normalises by."""


class Face(NamedTuple):
    """The face of an HR image."""

    size: Sequence[int]
    box: Any
    """`dlib.rectangle`, in pixels of HR."""
    points: npt.NDArray[np.float64]
    """(68, 2)."""


class Landmarks(ImageMetric):
    """Mean distance of dlib's 68 landmarks from those of HR, in per cent of the outer eye corners' distance."""

    name = "landmarks"
    title = "Landmarks"
    about = "How far eyes, nose, mouth and outline have moved, in per cent of the distance of the eyes."
    better = Better.LOWER
    signature = "landmarks|dlib-68|mean-l2|norm:outer-eye-corners|box:hr|uint8|v1"
    unit = "%"
    kinds = ("faces",)
    extra = "identity"

    def assets(self) -> Sequence[Asset]:
        """Return the landmark model."""
        return (LANDMARKS_68,)

    def load(self, device: torch.device) -> None:
        """Read the model; see `Metric.load`."""
        require(self.name, "dlib", self.extra)
        with needing_assets(self.name):
            self.finder = DlibLandmarks(LANDMARKS_68)

    def features(self, reference: Pixels) -> Face:
        """Find the face of HR and its landmarks.

        Raises:
            ImageError: when dlib's detector finds no face.
        """
        box = self.finder.largest_face(reference)
        return Face(reference.shape[:2], box, self.finder.points(reference, box))

    def compare(self, sr: Pixels, features: Face, factor: int) -> float:
        """Return the distance in per cent, 0 for equal images."""
        check_size(self.name, sr, features.size)
        apart = np.linalg.norm(self.finder.points(sr, features.box) - features.points, axis=1).mean()
        first, second = features.points[[*_EYE_CORNERS]]
        return finite(self.name, 100 * apart / np.linalg.norm(first - second))
