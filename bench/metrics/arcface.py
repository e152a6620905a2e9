"""Is it still the same person? The cosine of ArcFace embeddings (Deng et al., CVPR 2019).

The five landmarks of the largest face of HR align HR and every SR alike, so no restored face is lost to a failed
detection.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from bench.assets.declare import Asset
from bench.assets.fetch import is_here
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.metrics.common import check_size, finite, needing_assets, require
from bench.networks.arcface import ANTELOPE, BUFFALO, ArcFace, Pack


class Face(NamedTuple):
    """The face of an HR image."""

    size: Sequence[int]
    warp: npt.NDArray[np.float64]
    """From pixels of HR to the crop, (2, 3)."""
    embedding: npt.NDArray[np.float32]
    """Of unit length, (512,)."""


class Arcface(ImageMetric):
    """Cosine of 512-d ArcFace embeddings, ResNet-50 trained on WebFace600K (pack buffalo_l)."""

    name = "arcface"
    title = "Identity (ArcFace)"
    about = "How alike a face network finds the face and the true one, 1 for equal; strangers are near 0."
    better = Better.HIGHER
    threshold = 0.32  # deepface's for ArcFace, a cosine distance of 0.68, tuned on LFW
    signature = "arcface|buffalo_l:w600k_r50|cosine-512|align:hr-5pt|112|uint8|v1"
    kinds = ("faces",)
    extra = "identity"
    pack: ClassVar[Pack] = BUFFALO

    def assets(self) -> Sequence[Asset]:
        """Return the pack, or only its two networks where they already lie in the cache."""
        networks = (self.pack.detector, self.pack.recogniser)
        return networks if all(map(is_here, networks)) else (self.pack.archive,)

    def load(self, device: torch.device) -> None:
        """Read detector and recogniser; see `Metric.load`."""
        require(self.name, "insightface.model_zoo", self.extra)
        with needing_assets(self.name):
            self.network = ArcFace(self.pack, device)

    def features(self, reference: Pixels) -> Face:
        """Find the face of HR and embed it.

        Raises:
            ImageError: when the detector finds no face: its identity would mean nothing.
        """
        warp = self.network.alignment(reference)
        return Face(reference.shape[:2], warp, self.network.embed(reference, warp))

    def compare(self, sr: Pixels, features: Face, factor: int) -> float:
        """Return the cosine, 1 for equal images; different people are near 0."""
        check_size(self.name, sr, features.size)
        return finite(self.name, float(self.network.embed(sr, features.warp) @ features.embedding))

    def between(self, features: Face, others: Face) -> float:
        """Return the cosine of two HR faces."""
        return float(features.embedding @ others.embedding)


class ArcfaceAntelope(Arcface):
    """Cosine of 512-d ArcFace embeddings, ResNet-100 trained on Glint360K (pack antelopev2)."""

    name = "arcface_antelope"
    title = "Identity (ArcFace R100)"
    signature = "arcface|antelopev2:glintr100|cosine-512|align:hr-5pt|112|uint8|v1"
    pack = ANTELOPE
