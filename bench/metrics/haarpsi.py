"""Haar wavelet-based perceptual similarity (Reisenhofer et al., Signal Processing: Image Communication 2018)."""

import numpy as np
import torch
from torch import Tensor

from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.metrics.common import check_large, check_size, finite

_SMALLEST = 32  # piq halves the image, then needs the 16 pixels of its widest wavelet


class HaarPsi(ImageMetric):
    """Similarity of Haar wavelet responses and colour, as `piq` computes it."""

    name = "haarpsi"
    title = "HaarPSI"
    about = "How well edges and textures agree, by wavelets; 1 for equal images."
    better = Better.HIGHER
    signature = "haarpsi|yiq|scales:3|c:30|alpha:4.2|subsample:2|uint8|piq|v1"

    def features(self, reference: Pixels) -> Tensor:
        """Return HR on the 0 to 255 scale, (1, 3, H, W)."""
        check_large(self.name, reference, _SMALLEST)
        return self._tensor(reference)

    @torch.inference_mode()
    def compare(self, sr: Pixels, features: Tensor, factor: int) -> float:
        """Return the HaarPSI, at most 1."""
        from piq import haarpsi

        check_size(self.name, sr, features.shape[-2:])
        return finite(self.name, haarpsi(self._tensor(sr), features, data_range=255).item())

    def _tensor(self, image: Pixels) -> Tensor:
        # float64: the last step is a logit near its pole, where float32 leaves five digits
        return torch.from_numpy(np.array(image)).to(self.device).permute(2, 0, 1)[None].double()
