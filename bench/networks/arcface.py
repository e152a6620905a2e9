"""ArcFace (Deng et al., CVPR 2019) by insightface's packs, which are for non-commercial research only.

Crops and preprocessing are insightface's own: a similarity warp to 112 x 112, bilinear.
"""

import hashlib
import zipfile
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from bench.assets.declare import Address, Asset
from bench.assets.fetch import fetch, is_here
from bench.base.errors import AssetError, ImageError
from bench.base.files import write_atomically
from bench.base.types import Pixels

Points = npt.NDArray[np.float64]

TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
"""Where eyes, nose and mouth corners lie in the 112 x 112 crop, as (x, y)."""
_CROP = 112
_SEARCH = (640, 640)  # the size at which insightface's examples search for faces
_LICENCE = "non-commercial research only (insightface model packs)"
_RELEASES = "https://github.com/deepinsight/insightface/releases/download/v0.7"


class Pack(NamedTuple):
    """An insightface pack: the archive, and the two networks in it that are used."""

    archive: Asset
    detector: Asset
    recogniser: Asset


def _archive(pack: str, size: int, sha256: str) -> Asset:
    source = Address(f"{_RELEASES}/{pack}.zip")
    return Asset(f"insightface/{pack}.zip", _LICENCE, size, sha256, (source,))


def _member(path: str, size: int, sha256: str) -> Asset:
    return Asset(f"insightface/{path}", _LICENCE, size, sha256, ())


_SCRFD = (16_923_827, "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91")
BUFFALO = Pack(
    _archive("buffalo_l", 288_621_354, "80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f"),
    _member("buffalo_l/det_10g.onnx", *_SCRFD),
    _member(
        "buffalo_l/w600k_r50.onnx", 174_383_860, "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43"
    ),
)
ANTELOPE = Pack(
    _archive("antelopev2", 360_662_982, "8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5"),
    _member("antelopev2/scrfd_10g_bnkps.onnx", *_SCRFD),
    _member(
        "antelopev2/glintr100.onnx",
        260_665_334,
        "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf",
    ),
)


class ArcFace:
    """Finds a face and embeds it.

    Raises:
        ImportError: without insightface.
        AssetError: when the pack cannot be had, or holds other networks.
    """

    def __init__(self, pack: Pack, device: torch.device) -> None:
        from insightface import model_zoo

        _unpack(pack)
        self.detector, self.recogniser = (
            model_zoo.get_model(str(network.path), **_session(device))
            for network in (pack.detector, pack.recogniser)
        )
        self.detector.prepare(0, input_size=_SEARCH, det_thresh=0.5)

    def alignment(self, image: Pixels) -> Points:
        """Return the warp (2, 3) from the image to the crop of its largest face.

        Raises:
            ImageError: when the detector finds no face.
        """
        boxes, landmarks = self.detector.detect(np.ascontiguousarray(image[..., ::-1]))
        if not len(boxes):
            raise ImageError("insightface finds no face in the HR image")
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return _similarity(landmarks[areas.argmax()], TEMPLATE)

    def embed(self, image: Pixels, warp: Points) -> npt.NDArray[np.float32]:
        """Return the embedding (512,) of the warped image, of unit length."""
        import cv2

        crop = cv2.warpAffine(np.ascontiguousarray(image[..., ::-1]), warp, (_CROP, _CROP))
        embedding = self.recogniser.get_feat(crop)[0]
        return embedding / np.linalg.norm(embedding)


def _similarity(points: Points, template: Points) -> Points:
    """Return the rotation, scale and shift (2, 3) that bring points (n, 2) nearest to a template (n, 2)."""
    p, q = (xy[:, 0] + 1j * xy[:, 1] for xy in (points.astype(np.float64), template))
    centred = p - p.mean()
    turn = np.vdot(centred, q - q.mean()) / np.vdot(centred, centred)
    shift = q.mean() - turn * p.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _unpack(pack: Pack) -> None:
    """Put the networks of a pack beside its archive, verified; nothing to do when they are there."""
    for network in (pack.detector, pack.recogniser):
        if is_here(network):
            continue
        name = PurePosixPath(network.name).name
        with zipfile.ZipFile(fetch(pack.archive)) as archive:
            members = {PurePosixPath(member).name: member for member in archive.namelist()}
            content = archive.read(members[name]) if name in members else b""
        if network.sha256 and hashlib.sha256(content).hexdigest() != network.sha256:
            remedy = "remove the archive and run `bench prepare` again"
            raise AssetError(f"{pack.archive.path} holds no {name} as declared", remedy=remedy)
        write_atomically(network.path, content)


def _session(device: torch.device) -> dict[str, Any]:
    """Return how onnxruntime shall run: on the asked device, with torch's thread count."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    providers = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    return {"sess_options": options, "providers": [*providers, "CPUExecutionProvider"]}
