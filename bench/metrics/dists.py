"""Deep image structure and texture similarity (Ding et al., TPAMI 2020), version 0.1 of its authors' package.

The trunk is VGG16 with a Hann-weighted L2 pooling for each max-pooling; the image is the first of six stages.
Means are compared as textures, covariances as structures, weighted as the package `DISTS-pytorch` does.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.assets.declare import Asset, Wheel
from bench.assets.fetch import fetch
from bench.base.metric import Better
from bench.metrics.common import FeatureDistance, needing_assets
from bench.networks.imagenet import convolutions_asset, load_convolutions
from bench.networks.vgg16 import Vgg16Features

WEIGHTS = Asset(
    "dists/weights.pt",
    "MIT",
    12_288,
    "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
    (Wheel("DISTS-pytorch", "0.1", "DISTS_pytorch/weights.pt"),),
)
_STAGES = (range(4), range(5, 9), range(10, 16), range(17, 23), range(24, 30))
"""Which of VGG16's layers make a stage; the max-poolings between them are left out."""
_CHANNELS = (3, 64, 128, 256, 512, 512)
_EPSILON = 1e-6


class Dists(FeatureDistance):
    """DISTS: similarity of texture and structure of VGG16's features, 0 for equal images."""

    name = "dists"
    title = "DISTS"
    about = "As LPIPS, but forgiving where one texture stands for another of its kind, such as hair."
    better = Better.LOWER
    signature = "dists|vgg16|0.1|l2-pool:hann3|full-size|uint8|v1"
    smallest = 32

    def assets(self) -> Sequence[Asset]:
        """Return the trunk and the weights of its channels."""
        return (convolutions_asset("vgg16"), WEIGHTS)

    def load(self, device: torch.device) -> None:
        """Read the trunk and the weights; see `Metric.load`."""
        super().load(device)
        with needing_assets(self.name):
            trunk = Vgg16Features(load_convolutions("vgg16"), 30).to(device)
            weights = torch.load(fetch(WEIGHTS), map_location=device, weights_only=True)
        self.normalise = trunk.normalise
        self.stages = [nn.Sequential(*(trunk.layers[index] for index in layers)) for layers in _STAGES]
        alpha, beta = (weights[name].flatten() for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self.texture, self.structure = ((one / total).split(_CHANNELS) for one in (alpha, beta))

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the image and the features of the five stages, (1, C, h, w)."""
        maps = [image, self.stages[0](self.normalise(image))]
        for stage in self.stages[1:]:
            maps.append(stage(_pooled(maps[-1])))
        return maps

    def distance(self, sr: list[Tensor], hr: list[Tensor]) -> float:
        """Return 1 minus the similarity."""
        stages = zip(map(_alike, sr, hr), self.texture, self.structure, strict=True)
        return float(1 - sum((t * means + s * spreads).sum().item() for (means, spreads), t, s in stages))


def _pooled(maps: Tensor) -> Tensor:
    """Halve (1, C, h, w) by the root of a Hann-weighted mean of squares."""
    line = torch.from_numpy(np.hanning(5)[1:-1]).to(maps)
    window = (line[:, None] * line / line.sum() ** 2).expand(maps.shape[1], 1, 3, 3)
    return F.conv2d(maps.square(), window, stride=2, padding=1, groups=maps.shape[1]).add(1e-12).sqrt()


def _alike(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return how alike the means and the covariances of each channel are, (C,) each, at most 1."""
    mean_x, mean_y = (one.mean((2, 3), keepdim=True) for one in (x, y))
    variance_x, variance_y = ((one - mean).square().mean((0, 2, 3)) for one, mean in ((x, mean_x), (y, mean_y)))
    covariance = (x * y).mean((0, 2, 3)) - (mean_x * mean_y).flatten()
    squares = (mean_x.square() + mean_y.square()).flatten()
    texture = (2 * (mean_x * mean_y).flatten() + _EPSILON) / (squares + _EPSILON)
    return texture, (2 * covariance + _EPSILON) / (variance_x + variance_y + _EPSILON)
