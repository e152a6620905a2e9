"""Is it still the same person? The distance of dlib's face descriptors.

The largest face of HR is found once and its five landmarks align HR and every SR alike, so no restored face is
lost to a failed detection, and no method gains by moving one.
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
from bench.networks.dlib import LANDMARKS, NETWORK, DlibFaces


class Face(NamedTuple):
    """The face of an HR image."""

    size: Sequence[int]
    landmarks: Any
    """dlib's five points, in pixels of HR."""
    descriptor: npt.NDArray[np.float64]
    """(128,)."""


class Dlib(ImageMetric):
    """Euclidean distance of dlib's 128-d face descriptors; under 0.6 dlib calls two pictures one person."""

    name = "dlib"
    title = "Identity (dlib)"
    about = "How far a face network puts the face from the true one; under 0.6 it calls them one person."
    better = Better.LOWER
    threshold = 0.6  # dlib's own, of its 99.38 % on LFW
    signature = "dlib|resnet-v1|l2-128|align:hr-5pt|chip:150,0.25|uint8|v1"
    kinds = ("faces",)
    extra = "identity"

    def assets(self) -> Sequence[Asset]:
        """Return the recognition network and the landmark model."""
        return (NETWORK, LANDMARKS)

    def load(self, device: torch.device) -> None:
        """Read the models; see `Metric.load`."""
        require(self.name, "dlib", self.extra)
        with needing_assets(self.name):
            self.network = DlibFaces()

    def features(self, reference: Pixels) -> Face:
        """Find the face of HR and describe it.

        Raises:
            ImageError: when HR shows no face that dlib's detector finds: its identity would mean nothing.
        """
        landmarks = self.network.landmarks(reference)
        return Face(reference.shape[:2], landmarks, self.network.describe(reference, landmarks))

    def compare(self, sr: Pixels, features: Face, factor: int) -> float:
        """Return the distance, 0 for equal images; different people are about 0.8 apart."""
        check_size(self.name, sr, features.size)
        descriptor = self.network.describe(sr, features.landmarks)
        return finite(self.name, float(np.linalg.norm(descriptor - features.descriptor)))

    def between(self, features: Face, others: Face) -> float:
        """Return the distance of two HR faces."""
        return float(np.linalg.norm(features.descriptor - others.descriptor))
