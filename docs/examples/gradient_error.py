"""How far edges are from those of HR: a metric of one file.

bench metrics check docs/examples/gradient_error.py
bench run --metrics docs/examples/gradient_error.py,psnr
"""

import numpy as np
import numpy.typing as npt

from bench import Better, ImageMetric, Pixels

Gradients = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


class GradientError(ImageMetric):
    """Mean absolute difference of the steps to the next pixel, right and down, in grey levels."""

    name = "gradient_error"
    title = "Gradient error"
    better = Better.LOWER
    signature = "gradient_error|rgb|uint8|v1"

    def features(self, reference: Pixels) -> Gradients:
        steps = reference.astype(np.float64)
        return np.diff(steps, axis=0), np.diff(steps, axis=1)

    def compare(self, sr: Pixels, features: Gradients, factor: int) -> float:
        pairs = zip(self.features(sr), features, strict=True)
        return float(np.mean([np.abs(one - other).mean() for one, other in pairs]))
