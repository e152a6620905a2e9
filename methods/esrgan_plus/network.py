"""The network of ESRGAN+: ESRGAN's trunk and doublings, from any of several LR sizes up to one result."""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import MethodError
from methods.esrgan_plus.weightfile import NetworkConfig
from methods.shared.networks.consistency import consistent, enlarge
from methods.shared.networks.rrdb import RRDB, conv
from methods.shared.training.crops import CropBox, crop


class CropRequest(NamedTuple):
    """What a training also looks at: a square of the full result of some images."""

    of: Tensor
    """Which of the images, (N,), bool."""
    box: CropBox
    """At half of `EsrganPlusNet.middle`."""


class Enlarged(NamedTuple):
    """What the network makes of LR images, in about [-1, 1]."""

    image: Tensor
    """(N, 3, size, size)."""
    crop: Tensor | None = None
    """(n, 3, p, p) of the n images that were asked for; it was not made to shrink to the LR."""


class EsrganPlusNet(nn.Module):
    """Enlarge RGB images of any of several sizes to one.

    Args:
        inputs: the sides of the LR images.
        resolution: the side of the result.
        shape: the sizes of its parts.
    """

    def __init__(self, inputs: tuple[int, ...], resolution: int, shape: NetworkConfig | None = None) -> None:
        super().__init__()
        self.inputs, self.resolution, self.shape = tuple(sorted(inputs)), resolution, shape or NetworkConfig()
        width = self.shape.width
        self.middle = min(4 * max(inputs), resolution)
        self.sizes = tuple(sorted({self.middle // 2, self.middle, resolution}))
        """The sizes at which it can be asked for an image; the smaller ones are for training."""
        self.entries = nn.ModuleDict({str(side): conv(3, width) for side in self.inputs})
        self.body = nn.Sequential(*(RRDB(width, self.shape.growth) for _ in range(self.shape.blocks)))
        self.body_end = conv(width, width)
        self.doublings = nn.ModuleDict()
        side = 2 * min(self.inputs)
        while side <= resolution:
            self.doublings[str(side)] = conv(self.shape.channels(side // 2), self.shape.channels(side))
            side *= 2
        self.images = nn.ModuleDict({str(size): self._to_image(size) for size in self.sizes})
        self.to(memory_format=torch.channels_last)

    def _to_image(self, size: int) -> nn.Sequential:
        width = self.shape.channels(size)
        last = conv(width, 3)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(cast(Tensor, last.bias))  # it begins as bicubic
        return nn.Sequential(conv(width, width), nn.LeakyReLU(0.2), last)

    def forward(self, lr: Tensor, size: int | None = None, request: CropRequest | None = None) -> Enlarged:
        """Return the image at `size`, the result's own when None.

        Args:
            lr: (N, 3, h, h) in [-1, 1].
            size: one of `sizes`.
            request: what else to return, of the result's own size.

        Raises:
            MethodError: when the LR has another size than those it was made for.
        """
        size, start = size or self.resolution, self.middle // 2
        low = self.feature(lr, start)
        image = consistent(enlarge(lr, size) + self._detail(low, start, size), lr)
        if request is None:
            return Enlarged(image)
        of, box = request
        plain = crop(enlarge(lr[of], self.resolution), box, start)
        return Enlarged(image, plain + self._detail(crop(low[of], box, start), start, self.resolution))

    def feature(self, lr: Tensor, size: int) -> Tensor:
        """Return the feature at a resolution."""
        side = lr.shape[-1]
        if side not in self.inputs:
            raise MethodError("esrgan+ was not made for this LR", got=f"{side} pixels", expected=self.inputs)
        first = self.entries[str(side)](lr.contiguous(memory_format=torch.channels_last))
        return self.above(first + self.body_end(self.body(first)), side, size)

    def above(self, x: Tensor, side: int, size: int) -> Tensor:
        """Double a feature of resolution `side` up to `size`."""
        while side < size:
            side *= 2
            x = F.leaky_relu(self.doublings[str(side)](F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return x

    def _detail(self, x: Tensor, side: int, size: int) -> Tensor:
        """Return what a feature, or a crop of one, adds to the bicubic image."""
        return self.images[str(size)](self.above(x, side, size)).float()
