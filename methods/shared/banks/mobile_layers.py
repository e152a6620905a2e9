"""The layers of MobileStyleGAN, each made from its constants in the OpenVINO graph.

A style scales the input channels of a layer. A depthwise convolution keeps the channels apart, so the scale can
wait for the 1x1 product that follows, where it costs one small matrix an image and no pass over a large feature.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import NoiseMaps
from methods.shared.banks.openvino import Array, Graph


def parameter(values: Array) -> nn.Parameter:
    """Return a constant as a float32 parameter."""
    return nn.Parameter(torch.from_numpy(values.astype(np.float32)))


class Dense(nn.Module):
    """A layer of the mapping, in the precision of its input. The number of its bias follows its weight's."""

    def __init__(self, graph: Graph, number: int) -> None:
        super().__init__()
        self.weight, self.bias = parameter(graph.named(str(number))), parameter(graph.named(str(number + 1)))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype)), 0.2) * 2**0.5


class Style(nn.Module):
    """The gains of a layer's input channels, an affine map of the latent: (N, 512) to (N, C)."""

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        gain = 1.0
        if name.endswith(".conv"):  # MatMul, Add, Reshape, then a Multiply that an up-sampling does not have
            gain = graph.scalar(graph.reader(graph.find(f"{name}.modulation.weight"), 4))
        self.weight = parameter(graph.named(f"{name}.modulation.weight") * gain)
        self.bias = parameter(graph.named(f"{name}.modulation.bias").reshape(-1) * gain)

    def forward(self, w: Tensor) -> Tensor:
        return F.linear(w, self.weight, self.bias)


class Noise(nn.Module):
    """The noise of a layer: `noise` is the bank's own map, `strength` what one of unit variance is scaled by."""

    noise: Tensor
    strength: Tensor

    def __init__(self, noise: Array) -> None:
        super().__init__()
        self.register_buffer("noise", torch.from_numpy(noise))
        self.register_buffer("strength", self.noise.square().mean().sqrt())

    def forward(self, noise: Tensor | None) -> Tensor:
        return self.noise if noise is None else noise * self.strength


class First(nn.Module):
    """The learnt constant, style, full 3x3 convolution, noise, LeakyReLU."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        noise, convolution = _wiring(graph, "m.conv1")
        self.constant = parameter(graph.named("m.input.input"))
        self.style = Style(graph, "m.conv1.conv")
        self.weight = parameter(graph.operand(convolution))
        self.bias = parameter(graph.named("m.conv1.bias").reshape(-1))
        self.noise = Noise(graph.operand(noise))

    def forward(self, w: Tensor, noise: Tensor | None) -> Tensor:
        scaled = self.constant * self.style(w)[:, :, None, None]
        return F.leaky_relu(F.conv2d(scaled, self.weight, self.bias, padding=1) + self.noise(noise), 0.2)


class Conv(nn.Module):
    """Style, depthwise 3x3 and 1x1 convolution, noise, LeakyReLU."""

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        noise, pointwise = _wiring(graph, name)
        self.depthwise = parameter(graph.operand(graph.source(pointwise)).squeeze(1))
        self.style = Style(graph, f"{name}.conv")
        self.weight = parameter(graph.operand(pointwise))
        self.bias = parameter(graph.named(f"{name}.bias").reshape(-1))
        self.noise = Noise(graph.operand(noise))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        pixels = mix(F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1]), self.style(w), self.weight)
        pixels.add_(self.bias).add_(self.noise(noise).flatten(2).transpose(1, 2))
        return image_of(F.leaky_relu_(pixels, 0.2), x.shape[2])


class Block(nn.Module):
    """Style and inverse Haar transform to twice the size, then two convolutions: three slots of latents."""

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__()
        self.up = Style(graph, f"{name}.up")
        self.convs = nn.ModuleList(Conv(graph, f"{name}.{conv}") for conv in ("conv1", "conv2"))

    def forward(self, x: Tensor, w: Tensor, noise: NoiseMaps) -> Tensor:
        x = haar_up(x, self.up(w[:, 0]))
        for slot, conv in enumerate(self.convs):
            x = conv(x, w[:, 1 + slot], noise[slot])
        return x


class ToImage(nn.Module):
    """Style, 1x1 convolution to the Haar bands of the image, inverse Haar transform to twice the size."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        name = "m.layers.6.to_img"
        self.style = Style(graph, f"{name}.conv")
        self.weight = parameter(graph.named(f"{name}.conv.weight"))
        self.bias = parameter(graph.named(f"{name}.bias").reshape(-1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        bands = image_of(mix(x, self.style(w), self.weight).add_(self.bias), x.shape[2])
        return haar_up(bands, bands.new_ones(bands.shape[:2]))


def mix(x: Tensor, gain: Tensor, weight: Tensor) -> Tensor:
    """Scale the channels of x (N, C, h, w) and mix them by a 1x1 convolution: (N, h * w, O)."""
    pixels = x.permute(0, 2, 3, 1).reshape(len(x), -1, x.shape[1])
    return torch.bmm(pixels, gain[:, :, None] * weight.flatten(1).T)


def image_of(pixels: Tensor, height: int) -> Tensor:
    """View pixels (N, h * w, C) as a feature (N, C, h, w) in the channels_last format."""
    return pixels.view(len(pixels), height, -1, pixels.shape[2]).permute(0, 3, 1, 2)


def haar_up(x: Tensor, gain: Tensor) -> Tensor:
    """Scale each channel and invert a Haar transform.

    Args:
        x: (N, 4C, h, w): C low bands, then the high bands lh, hl and hh of each channel in turn.
        gain: (N, 4C).

    Returns:
        (N, C, 2h, 2w), in the channels_last format.
    """
    n, channels, h, w = x.shape
    scaled = x.permute(0, 2, 3, 1) * (0.5 * gain[:, None, None])
    low, high = torch.split(scaled, [channels // 4, 3 * channels // 4], 3)
    lh, hl, hh = high.reshape(n, h, w, channels // 4, 3).unbind(4)
    top, bottom, top_detail, bottom_detail = low + lh, low - lh, hl + hh, hl - hh
    # Stacked on the axis after their own, neighbours are interleaved and the result stays NHWC: two copies in all.
    upper = torch.stack([top + top_detail, top - top_detail], 3)
    lower = torch.stack([bottom + bottom_detail, bottom - bottom_detail], 3)
    return torch.stack([upper, lower], 2).view(n, 2 * h, 2 * w, channels // 4).permute(0, 3, 1, 2)


def _wiring(graph: Graph, name: str) -> tuple[str, str]:
    add_noise = graph.source(graph.reader(graph.find(f"{name}.bias")))
    return add_noise, graph.source(add_noise)
