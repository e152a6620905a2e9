"""GLEAN (Chan et al. 2021, arXiv 2012.00739) over a small bank: the paper's three parts, sized for a download.

An encoder turns the LR image into features and one latent a slot, the frozen bank is steered by both (its features
are fused with the encoder's up to the LR's own resolution), and a decoder reads the bank's features. Three things
differ from the paper. One network serves every factor: the trunk and everything below it are shared, the entry is
at the LR's own resolution. The decoder stops at a quarter of the bank's resolution; what lies above comes from the
bank's own image, weighted a pixel at a time. And the last layer moves the result onto the images whose LR is the
one given (`consistent`), which can only bring it nearer to the ground truth.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bench import Bank, MethodError
from methods.glean.parts import Decoder, Encoder, Fusion, LatentHead, doublings
from methods.glean.weightfile import NetworkConfig
from methods.shared.networks.consistency import add_detail, consistent


class Restoration(NamedTuple):
    """What one forward pass returns."""

    image: Tensor
    """float32 in about [-1, 1], (N, 3, size, size)."""
    latents: Tensor
    """(N, slots, width)."""
    features: dict[int, Tensor]
    """The bank's features after fusion, by resolution."""
    share: Tensor | None
    """How much of the bank's detail belongs to each pixel, (N, 1, middle, middle)."""


class EmbeddedGlean(nn.Module):
    """The network. Its bank is frozen and not part of its own weights.

    Args:
        bank: the latent bank.
        factors: the factors that it serves.
        shape: the sizes of its parts.

    Raises:
        MethodError: when a factor leaves fewer than 4 or more than a quarter of the bank's pixels.
    """

    def __init__(
        self, bank: Bank, factors: tuple[int, ...] = (16, 32, 64), shape: NetworkConfig | None = None
    ) -> None:
        super().__init__()
        self.shape, self.factors = shape or NetworkConfig(), tuple(sorted(factors))
        self.inputs = tuple(input_size(bank.resolution, factor) for factor in self.factors)
        self.middle = 4 * max(self.inputs)
        self.sizes = (self.middle // 2, self.middle, bank.resolution)
        """The sizes at which it can be asked for an image."""
        # A tuple hides the bank from the module tree: it is loaded on its own and never saved with the weights.
        self._bank = (bank,)
        self.encoder = Encoder(self.inputs, self.shape)
        self.latents = LatentHead(bank, self.shape)
        fused = doublings(4, max(self.inputs))
        self.fusions = nn.ModuleDict(
            {str(r): Fusion(bank.channels[r], self.shape.encoder, self.shape.fusion) for r in fused}
        )
        self.decoder = Decoder(bank, self.inputs, self.middle, self.shape)
        self.to(memory_format=torch.channels_last)

    @property
    def bank(self) -> Bank:
        """The frozen bank."""
        return self._bank[0]

    def forward(self, lr: Tensor, size: int | None = None) -> Restoration:
        """Restore LR images (N, 3, r, r) in [-1, 1] to one of `sizes`, the bank's own when None.

        At size 0 it stops at the latents, which is all that the first stage of a training needs.
        """
        size = self.sizes[-1] if size is None else size
        entry, pyramid = self.encoder(lr)
        latents = self.latents(lr, pyramid[4])
        if size == 0:
            return Restoration(lr, latents, {}, None)
        stop_at = None if size == self.sizes[-1] else size // 2
        synthesis = self.bank.synthesise(latents, feature_hook=partial(self.fuse, pyramid), stop_at=stop_at)
        image, share = self.decoder(lr, entry, synthesis.features, min(size, self.middle))
        if synthesis.image is not None and share is not None:
            image = add_detail(image, synthesis.image, share)
        return Restoration(consistent(image, lr), latents, synthesis.features, share)

    def fuse(self, pyramid: dict[int, Tensor], resolution: int, feature: Tensor) -> Tensor:
        """Return a feature of the bank, fused with the encoder's where there is one."""
        if resolution not in pyramid:
            return feature
        return self.fusions[str(resolution)](feature, pyramid[resolution])


def input_size(resolution: int, factor: int) -> int:
    """Return the side of the LR image.

    Raises:
        MethodError: when a network over a bank of this resolution cannot serve the factor.
    """
    side = resolution // factor
    if factor < 4 or side < 4 or side * factor != resolution or side & (side - 1):
        raise MethodError(
            f"glean cannot serve factor {factor} over a bank of {resolution} pixels",
            got=f"an LR side of {resolution / factor:g}",
            expected="a power of two from 4 up, at a factor of 4 or more",
        )
    return side
