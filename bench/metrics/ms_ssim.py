"""Multi-scale structural similarity (Wang, Simoncelli, Bovik, Asilomar 2003)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.metrics.common import check_large, check_size, finite
from bench.metrics.ssim import WINDOW, Described, centred, contrast, describe, similarity

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""The exponents of the paper, from the finest scale to the coarsest."""
_SMALLEST = WINDOW * 2 ** (len(_WEIGHTS) - 1)


class MsSsim(ImageMetric):
    """SSIM at five scales, contrast and structure at all, luminance at the coarsest; mean of the channels."""

    name = "ms_ssim"
    title = "MS-SSIM"
    about = "SSIM at five scales, which weighs coarse structure too."
    better = Better.HIGHER
    signature = "ms_ssim|rgb|gaussian:11,1.5|valid|scales:5|pool:mean2|clip:0|uint8|v1"

    @torch.inference_mode()
    def features(self, reference: Pixels) -> list[Described]:
        """Return the local moments of HR at each scale."""
        check_large(self.name, reference, _SMALLEST)
        return [describe(image) for image in _pyramid(centred(reference, self.device))]

    @torch.inference_mode()
    def compare(self, sr: Pixels, features: list[Described], factor: int) -> float:
        """Return the MS-SSIM, at most 1; a scale with negative structure counts as 0."""
        check_size(self.name, sr, features[0].image.shape[-2:])
        images = _pyramid(centred(sr, self.device))
        seen = [contrast(*scale) for scale in zip(images[:-1], features, strict=False)]
        seen.append(similarity(images[-1], features[-1]))
        exponents = torch.tensor(_WEIGHTS, dtype=torch.float64, device=self.device)[:, None]
        value = (torch.stack(seen).clamp(min=0) ** exponents).prod(0).mean()
        return finite(self.name, value.item())


def _pyramid(image: Tensor) -> list[Tensor]:
    """Halve (1, 3, H, W) by 2 x 2 means, until there is one image a scale."""
    images = [image]
    for _ in _WEIGHTS[1:]:
        images.append(F.avg_pool2d(images[-1], 2))
    return images
