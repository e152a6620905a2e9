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
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from bench import seeds
from bench.assets import Asset, Wheel, fetch
from bench.contracts import Fuse, Latents, Size, Synthesis
from bench.errors import MethodError
from methods.banks.openvino import Array, Graph

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
"""`mean_latent`, written by `methods.banks.fit_readouts`: shipped so that it is the same on every machine."""


class MobileStyleGAN(nn.Module):
    """The generator behind the contract of `bench.contracts.Bank`. Frozen and in evaluation mode when made.

    `map` works in the precision of its input and `sample` in float64 (rounded once), so that a latent depends
    neither on the batch it was drawn in nor on the machine. Everything else works in the precision of the weights:
    `bank.to(torch.bfloat16)` or autocast are the ways to bf16, and the image is float32 always.
    """

    name: ClassVar[str] = "mobilestylegan"
    kind: ClassVar[str | None] = "faces"
    resolution = 1024
    channels: ClassVar[dict[int, int]] = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64}
    latents = Latents(slots=23, width=512)
    discriminator: nn.Module | None = None
    mean_latent: Tensor

    def __init__(self, mapping: Graph, synthesis: Graph, mean_latent: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean_latent", mean_latent)
        self.mapping = nn.ModuleList(_Dense(mapping, str(name)) for name in range(173, 202, 4))
        self.constant = _parameter(synthesis.named("m.input.input"))
        self.first = _Conv(synthesis, "m.conv1")
        self.blocks = nn.ModuleList(_Block(synthesis, f"m.layers.{block}") for block in range(7))
        self.to_image = _ToImage(synthesis, "m.layers.6.to_img")
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
        fuse: Fuse | None = None,
        start: tuple[int, Tensor] | None = None,
        upto: int | None = None,
        label: Tensor | None = None,
    ) -> Synthesis:
        """Generate features and the image; see `bench.contracts.Bank.synthesise`.

        A noise map of one's own has unit variance and is scaled by the strength of its layer.

        Raises:
            MethodError: when `start` or `upto` is no resolution of the bank, or a label is given.
        """
        self._check(start, upto, label)
        dtype = self.constant.dtype
        styles = latents.to(dtype)
        styles = styles[:, None].expand(-1, self.latents.slots, -1) if styles.ndim == 2 else styles
        maps = [None] * len(self.noise_shapes()) if noise is None else [one.to(dtype) for one in noise]
        res, x = (4, None) if start is None else (start[0], start[1].to(dtype))
        if x is None:
            x = self.first(self.constant.expand(len(styles), -1, -1, -1), styles[:, 0], maps[0])
            x = x if fuse is None else fuse(4, x)
        features = {res: x}
        for index, block in enumerate(self.blocks):
            out = 8 << index
            if res < out <= (upto or self.resolution):
                x = block(x, styles[:, 1 + 3 * index :], maps[1 + 2 * index :])
                features[out] = x = x if fuse is None else fuse(out, x)
        whole = upto is None or upto == self.resolution
        return Synthesis(features, self.to_image(x, styles[:, -1]).float() if whole else None)

    def noise_shapes(self) -> list[Size]:
        """Return the sizes of the 15 noise inputs, coarse to fine."""
        return [(4, 4)] + [(res, res) for res in self.channels if res > 4 for _ in range(2)]

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the synthesis from coarse to fine: 4x4, then one group a block."""
        groups = [[self.constant, *self.first.parameters()], *(list(b.parameters()) for b in self.blocks)]
        groups[-1] += self.to_image.parameters()
        return groups

    def _check(self, start: tuple[int, Tensor] | None, upto: int | None, label: Tensor | None) -> None:
        if start is not None and start[0] not in self.channels:
            raise MethodError("bank mobilestylegan cannot start there", got=start[0], expected=list(self.channels))
        if upto is not None and upto not in (*self.channels, self.resolution):
            known = [*self.channels, self.resolution]
            raise MethodError("bank mobilestylegan cannot stop there", got=upto, expected=known)
        if label is not None:
            raise MethodError("bank mobilestylegan has no classes", got="a label", expected="none")


def load(device: str | torch.device = "cpu") -> MobileStyleGAN:
    """Read the bank, fetching its files when they are not here."""
    mapping = Graph(fetch(MAPPING_XML), fetch(MAPPING_BIN))
    synthesis = Graph(fetch(SYNTHESIS_XML), fetch(SYNTHESIS_BIN))
    return MobileStyleGAN(mapping, synthesis, load_file(STATISTICS)["mean_latent"]).to(device)


def haar_up(x: Tensor) -> Tensor:
    """Invert a Haar transform: (N, 4C, h, w) to (N, C, 2h, 2w); the high bands are interleaved as (C, 3)."""
    n, c, h, w = x.shape[0], x.shape[1] // 4, *x.shape[2:]
    low, (lh, hl, hh) = x[:, :c], x[:, c:].reshape(n, c, 3, h, w).unbind(2)
    top, bottom, high_top, high_bottom = low + lh, low - lh, hl + hh, hl - hh
    quads = torch.stack([top + high_top, top - high_top, bottom + high_bottom, bottom - high_bottom], 2) * 0.5
    return F.pixel_shuffle(quads.reshape(n, 4 * c, h, w), 2)


class _Dense(nn.Module):
    """A layer of the mapping; its bias is the constant numbered after its weight."""

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        self.weight, self.bias = _parameter(graph.named(name)), _parameter(graph.named(str(int(name) + 1)))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype)), 0.2) * 2**0.5


class _Style(nn.Module):
    """Scales the channels of a feature by an affine map of the latent."""

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        gain = 1.0
        if name.endswith(".conv"):  # MatMul, Add, Reshape, then a Multiply that an up-sampling does not have
            gain = graph.operand(graph.reader(graph.find(f"{name}.modulation.weight"), 4)).item()
        self.weight = _parameter(graph.named(f"{name}.modulation.weight") * gain)
        self.bias = _parameter(graph.named(f"{name}.modulation.bias").reshape(-1) * gain)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return x * F.linear(w, self.weight, self.bias)[:, :, None, None]


class _Conv(nn.Module):
    """Style, depthwise 3x3 (none in the first layer), convolution, noise, bias, LeakyReLU."""

    noise: Tensor
    strength: Tensor

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        add_bias = graph.reader(graph.find(f"{name}.bias"))
        add_noise = graph.source(add_bias)
        convolution = graph.source(add_noise)
        before = graph.source(convolution)
        self.style = _Style(graph, f"{name}.conv")
        self.depthwise = None
        if graph.kind(before) == "GroupConvolution":
            self.depthwise = _parameter(graph.operand(before).squeeze(1))
        self.weight = _parameter(graph.operand(convolution))
        self.bias = _parameter(graph.named(f"{name}.bias"))
        noise = torch.from_numpy(graph.operand(add_noise))
        self.register_buffer("noise", noise)
        self.register_buffer("strength", noise.square().mean().sqrt())

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        x = self.style(x, w)
        if self.depthwise is not None:
            x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        x = F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)
        shift = self.noise if noise is None else noise * self.strength
        return F.leaky_relu(x + shift + self.bias, 0.2)


class _Block(nn.Module):
    """Inverse Haar transform to twice the size, then two convolutions."""

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        self.up = _Style(graph, f"{name}.up")
        self.convs = nn.ModuleList(_Conv(graph, f"{name}.{conv}") for conv in ("conv1", "conv2"))

    def forward(self, x: Tensor, w: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        x = haar_up(self.up(x, w[:, 0]))
        for slot, conv in enumerate(self.convs):
            x = conv(x, w[:, 1 + slot], noise[slot])
        return x


class _ToImage(nn.Module):
    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        self.style = _Style(graph, f"{name}.conv")
        self.weight = _parameter(graph.named(f"{name}.conv.weight"))
        self.bias = _parameter(graph.named(f"{name}.bias").reshape(-1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return haar_up(F.conv2d(self.style(x, w), self.weight, self.bias))


def _parameter(values: Array) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)))
