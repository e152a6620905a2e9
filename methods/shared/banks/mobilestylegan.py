"""MobileStyleGAN (Belousov 2021, arXiv 2104.04767) distilled from StyleGAN2 FFHQ at 1024, as a latent bank.

The weights are read straight from the two OpenVINO networks in the `random-face` Python package. Demodulation is
folded into them, so a style scales the input channels of a layer and nothing else. An image is made of the 512
feature by one head and an inverse Haar transform: there is no feature at 1024.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bench import Asset, FeatureHook, Latents, MethodError, Size, Synthesis, Wheel, fetch
from bench.base import seeds
from methods.shared.banks.mobile_layers import Block, Dense, First, ToImage
from methods.shared.banks.openvino import Graph

_LICENCE = "Apache-2.0 (package); trained on FFHQ, CC BY-NC-SA 4.0"


def _asset(file: str, size: int, sha256: str) -> Asset:
    wheel = Wheel("random-face", "2021.7.21.1", f"random_face/data/{file}")
    return Asset(f"mobilestylegan/{file}", _LICENCE, size, sha256, (wheel,))


MAPPING_XML = _asset(
    "MappingNetwork.xml", 59_865, "73e2096cad6e696e4af47df2477e048ab4c42c0e0dec83c7c66604822689e55b"
)
MAPPING_BIN = _asset(
    "MappingNetwork.bin", 8_405_040, "212dd716bdb556e18db603ea97300d4fa3c872b878c726b2402fea80820e7305"
)
SYNTHESIS_XML = _asset(
    "SynthesisNetwork.xml", 425_183, "7918fce515243954d3e06628cb39a23902d6b1d5d02932cc0c2faee7a2aeeedd"
)
SYNTHESIS_BIN = _asset(
    "SynthesisNetwork.bin", 32_025_440, "c7da15fa22d508c82e1c30dd6b4cdf67fe3ccdddaf85b310ee764dbf0c289645"
)
ASSETS = (MAPPING_XML, MAPPING_BIN, SYNTHESIS_XML, SYNTHESIS_BIN)

STATISTICS = Path(__file__).parent / "weights" / "mobilestylegan.safetensors"
"""`mean_latent`, written by `scripts.fit_surrogates`: shipped so that it is the same on every machine."""


class MobileStyleGAN(nn.Module):
    """The generator behind the contract of `bench.base.Bank`. Frozen and in evaluation mode when made.

    `map` works in the precision of its input and `sample` in float64 (rounded once), so that a latent depends
    neither on the batch it was drawn in nor on the machine. Everything else works in the precision of the weights:
    `bank.to(torch.bfloat16)` or autocast are the ways to bf16, and the image is float32 always.
    """

    name: ClassVar[str] = "mobilestylegan"
    digest: ClassVar[str] = SYNTHESIS_BIN.sha256 or ""
    kind: ClassVar[str | None] = "faces"
    resolution = 1024
    channels: ClassVar[dict[int, int]] = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64}
    latents = Latents(slots=23, width=512)
    discriminator: nn.Module | None = None
    mean_latent: Tensor

    def __init__(self, mapping: Graph, synthesis: Graph, mean_latent: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean_latent", mean_latent)
        self.mapping = nn.ModuleList(Dense(mapping, number) for number in range(173, 202, 4))
        self.first = First(synthesis)
        self.blocks = nn.ModuleList(Block(synthesis, f"m.layers.{block}") for block in range(7))
        self.to_image = ToImage(synthesis)
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)

    def map(self, z: Tensor) -> Tensor:
        """Map Gaussian z (N, 512) to latents w (N, 512), in the precision of z."""
        w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            w = layer(w)
        return w

    def sample(self, indices: Sequence[int], domain: seeds.Domain, truncation: float = 1.0) -> Tensor:
        """Draw latents w (N, 512), one an index, `truncation` of the way from the mean latent."""
        width = self.latents.width
        z = np.stack([seeds.normal(domain, index, (width,)) for index in indices])
        w = self.map(torch.from_numpy(z).to(self.mean_latent.device, torch.float64))
        return torch.lerp(self.mean_latent.double(), w, truncation).to(self.mean_latent.dtype)

    def synthesise(
        self,
        latents: Tensor,
        *,
        noise: Sequence[Tensor] | None = None,
        feature_hook: FeatureHook | None = None,
        start: tuple[int, Tensor] | None = None,
        stop_at: int | None = None,
        label: Tensor | None = None,
    ) -> Synthesis:
        """Generate features and the image; see `bench.base.Bank.synthesise`.

        A noise map of one's own has unit variance and is scaled by the strength of its layer.

        Raises:
            MethodError: when `start` or `stop_at` is no resolution of the bank, or a label is given.
        """
        self._check(start, stop_at, label)
        dtype = self.first.weight.dtype
        styles = latents.to(dtype)
        styles = styles[:, None].expand(-1, self.latents.slots, -1) if styles.ndim == 2 else styles
        maps = [None] * len(self.noise_shapes()) if noise is None else [one.to(dtype) for one in noise]
        res, x = (4, None) if start is None else (start[0], start[1].to(dtype))
        if x is None:
            x = self.first(styles[:, 0], maps[0])
            x = x if feature_hook is None else feature_hook(4, x)
        features = {res: x}
        for index, block in enumerate(self.blocks):
            out = 8 << index
            if res < out <= (stop_at or self.resolution):
                x = block(x, styles[:, 1 + 3 * index :], maps[1 + 2 * index :])
                features[out] = x = x if feature_hook is None else feature_hook(out, x)
        whole = stop_at is None or stop_at == self.resolution
        return Synthesis(features, self.to_image(x, styles[:, -1]).float() if whole else None)

    def noise_shapes(self) -> list[Size]:
        """Return the sizes of the 15 noise inputs, coarse to fine."""
        return [(4, 4)] + [(res, res) for res in self.channels if res > 4 for _ in range(2)]

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the synthesis from coarse to fine: 4x4, then one group a block."""
        groups = [list(layer.parameters()) for layer in (self.first, *self.blocks)]
        groups[-1] += self.to_image.parameters()
        return groups

    def _check(self, start: tuple[int, Tensor] | None, stop_at: int | None, label: Tensor | None) -> None:
        if start is not None and start[0] not in self.channels:
            raise MethodError("bank mobilestylegan cannot start there", got=start[0], expected=list(self.channels))
        if stop_at is not None and stop_at not in (*self.channels, self.resolution):
            known = [*self.channels, self.resolution]
            raise MethodError("bank mobilestylegan cannot stop there", got=stop_at, expected=known)
        if label is not None:
            raise MethodError("bank mobilestylegan has no classes", got="a label", expected="none")


def load(device: str | torch.device = "cpu") -> MobileStyleGAN:
    """Read the bank, fetching its files when they are not here."""
    mapping = Graph(fetch(MAPPING_XML), fetch(MAPPING_BIN))
    synthesis = Graph(fetch(SYNTHESIS_XML), fetch(SYNTHESIS_BIN))
    return MobileStyleGAN(mapping, synthesis, load_file(STATISTICS)["mean_latent"]).to(device)
