"""Peak signal-to-noise ratio, in decibels.

Identical images have no noise and no finite ratio, which would make every mean infinite: values are capped at
100 dB, more than any 8-bit image that differs visibly reaches, and the signatures say so.
"""

import math

import numpy as np

from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.metrics.common import check_size, finite

_CAP = 100.0
_LUMA = np.array([65.481, 128.553, 24.966]) / 255
"""ITU-R BT.601 studio-range luma of full-range RGB; its offset of 16 leaves a difference."""


def _decibels(mean_square: float) -> float:
    """Return the ratio for a mean squared error on the 0 to 255 scale, at most `_CAP`."""
    return _CAP if mean_square <= 0 else min(_CAP, 10 * math.log10(255**2 / mean_square))


def rgb_psnr(image: Pixels, reference: Pixels) -> float:
    """Compare two 8-bit images over all pixels and channels, in float64."""
    error = image.astype(np.float64).ravel() - reference.ravel()
    return _decibels(float(error @ error) / error.size)


class Psnr(ImageMetric):
    """PSNR over the three colour channels of the saved image, no border cropped."""

    name = "psnr"
    title = "PSNR"
    about = "How close the pixels are, on average; it rewards blur over wrong detail."
    better = Better.HIGHER
    signature = "psnr|rgb|crop:0|uint8|cap:100|v1"
    unit = "dB"

    def compare(self, sr: Pixels, features: Pixels, factor: int) -> float:
        """Return the PSNR in dB."""
        check_size(self.name, sr, features.shape[:2])
        return finite(self.name, rgb_psnr(sr, features))


class PsnrY(ImageMetric):
    """PSNR of the BT.601 studio luma, unrounded, no border cropped."""

    name = "psnr_y"
    title = "PSNR-Y"
    about = "PSNR of brightness alone, as many papers report it."
    better = Better.HIGHER
    signature = "psnr|y:bt601-studio|peak:255|crop:0|uint8|cap:100|v1"
    unit = "dB"

    def compare(self, sr: Pixels, features: Pixels, factor: int) -> float:
        """Return the PSNR of the luma in dB."""
        check_size(self.name, sr, features.shape[:2])
        error = ((sr.astype(np.float64) - features) @ _LUMA).ravel()
        return finite(self.name, _decibels(float(error @ error) / error.size))
