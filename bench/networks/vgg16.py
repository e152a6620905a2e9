"""Torchvision's VGG16 (Simonyan and Zisserman, ICLR 2015), the network of most perceptual losses."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.networks.imagenet import Normalise


class Vgg16Features(nn.Module):
    """The output of its first layers, frozen; differentiable in the image.

    Args:
        weights: by torchvision's names.
        depth: how many layers of `features`.
    """

    def __init__(self, weights: Mapping[str, Tensor], depth: int) -> None:
        super().__init__()
        from torchvision.models import vgg16

        with torch.device("meta"):
            self.layers = vgg16().features[:depth]
        kept = {name: weights[f"features.{name}"] for name in self.layers.state_dict()}
        self.layers.load_state_dict(kept, assign=True)
        self.normalise = Normalise()
        self.requires_grad_(False).eval()

    def forward(self, image: Tensor) -> Tensor:
        """Return (N, C, h, w) of RGB in [0, 1], (N, 3, H, W)."""
        return self.layers(self.normalise(image))
