"""MobileStyleGAN (Belousov 2021, arXiv 2104.04767) distilled from StyleGAN2 FFHQ at 1024, as a latent bank.

The weights are read straight from the two OpenVINO networks in the `random-face` Python package. Demodulation is
folded into them, so a style scales the input channels of a layer and nothing else. The 512 feature becomes the
image by one 1x1 convolution and an inverse Haar transform: there is no feature at 1024.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bench import Asset, Bank, Latents, NoiseMaps, Wheel, fetch
from methods.shared.banks.mobile_layers import Block, Dense, First, ToImage
from methods.shared.banks.openvino import Graph
from methods.shared.banks.stylegan2_layers import run_mapping

_LICENCE = "Apache-2.0 (package); trained on FFHQ, CC BY-NC-SA 4.0"
_FILES = {
    "MappingNetwork.xml": (59_865, "73e2096cad6e696e4af47df2477e048ab4c42c0e0dec83c7c66604822689e55b"),
    "MappingNetwork.bin": (8_405_040, "212dd716bdb556e18db603ea97300d4fa3c872b878c726b2402fea80820e7305"),
    "SynthesisNetwork.xml": (425_183, "7918fce515243954d3e06628cb39a23902d6b1d5d02932cc0c2faee7a2aeeedd"),
    "SynthesisNetwork.bin": (32_025_440, "c7da15fa22d508c82e1c30dd6b4cdf67fe3ccdddaf85b310ee764dbf0c289645"),
}


def _asset(file: str) -> Asset:
    wheel = Wheel("random-face", "2021.7.21.1", f"random_face/data/{file}")
    return Asset(f"mobilestylegan/{file}", _LICENCE, *_FILES[file], (wheel,))


ASSETS = tuple(map(_asset, _FILES))
MAPPING_XML, MAPPING_BIN, SYNTHESIS_XML, SYNTHESIS_BIN = ASSETS

STATISTICS = Path(__file__).parent / "weights" / "mobilestylegan.safetensors"
"""`mean_latent`, written by `scripts.fit_surrogates`: shipped so that it is the same on every machine."""


_CHANNELS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64}


class MobileStyleGAN(Bank):
    """The generator. Frozen and in evaluation mode when it is built.

    `map` works in the precision of its input, everything else in that of the weights: `bank.to(torch.bfloat16)` or
    autocast are the ways to bf16.
    """

    name = "mobilestylegan"
    digest = SYNTHESIS_BIN.sha256 or ""

    def __init__(self, mapping: Graph, synthesis: Graph, mean_latent: Tensor) -> None:
        super().__init__(_CHANNELS, Latents(slots=23, width=512), "faces")
        self.resolution = 1024
        self.mean_latent = mean_latent
        self.mapping = nn.ModuleList(Dense(mapping, number) for number in range(173, 202, 4))
        self.first = First(synthesis)
        self.blocks = nn.ModuleList(Block(synthesis, f"m.layers.{block}") for block in range(7))
        self.to_image = ToImage(synthesis)
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)

    def map(self, z: Tensor) -> Tensor:
        """Map Gaussian z (N, 512) to latents w (N, 512), in the precision of z."""
        return run_mapping(self.mapping, z)

    def block(self, r: int, x: Tensor | None, w: Tensor, noise: NoiseMaps, label: Tensor | None = None) -> Tensor:
        """Run the layers of one resolution; a noise map of one's own is scaled by the strength of its layer."""
        level = r.bit_length() - 4
        if x is None:
            return self.first(w[:, 0], noise[0])
        return self.blocks[level](x, w[:, 1 + 3 * level :], noise[1 + 2 * level :])

    def rgb(self, r: int, x: Tensor, w: Tensor, image: Tensor | None) -> Tensor:
        """Make the image of the 512 feature."""
        return self.to_image(x, w[:, -1])

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the synthesis from coarse to fine: 4x4, then one group a block."""
        groups = [list(layer.parameters()) for layer in (self.first, *self.blocks)]
        groups[-1] += self.to_image.parameters()
        return groups


def load(device: str | torch.device = "cpu") -> MobileStyleGAN:
    """Read the bank, fetching its files when they are not here."""
    mapping = Graph(fetch(MAPPING_XML), fetch(MAPPING_BIN))
    synthesis = Graph(fetch(SYNTHESIS_XML), fetch(SYNTHESIS_BIN))
    return MobileStyleGAN(mapping, synthesis, load_file(STATISTICS)["mean_latent"]).to(device)
