"""The layers that the StyleGAN2 generator and discriminator are made of.

T. Karras et al., Analyzing and Improving the Image Quality of StyleGAN, CVPR 2020. Weights are stored with unit
variance and scaled at run time (equalised learning rate), as in every published weight file.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
"""Config-f (channel multiplier 2): feature channels per resolution, of generator and discriminator."""

CLAMP = 256.0
"""The `conv_clamp` that stylegan2-ada-pytorch trains with; it is in no state dict."""
GAIN = math.sqrt(2)
_EPS = 1e-8


def capped(resolution: int, cap: int = 512) -> dict[int, int]:
    """Return the channels of config-f up to a resolution, none above `cap`."""
    return {r: min(channels, cap) for r, channels in CHANNELS.items() if r <= resolution}


def leaky(x: Tensor) -> Tensor:
    """Apply the leaky rectifier of slope 0.2 and restore the variance."""
    return F.leaky_relu(x, 0.2) * GAIN


def clamped(x: Tensor, limit: float | None) -> Tensor:
    """Clamp to [-limit, limit], where there is a limit."""
    return x if limit is None else x.clamp(-limit, limit)


def blur(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """Filter each channel with the outer product of 1-3-3-1, whose sum is `gain`, zeros outside."""
    channels = x.shape[1]
    return F.conv2d(x, _kernel(x, gain).expand(channels, 1, 4, 4), padding=padding, groups=channels)


def upsample(x: Tensor) -> Tensor:
    """Double the sides: zeros in between, then the 1-3-3-1 filter."""
    channels = x.shape[1]
    kernel = _kernel(x, 4.0).expand(channels, 1, 4, 4)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


def _kernel(like: Tensor, gain: float) -> Tensor:
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=like.dtype, device=like.device)
    return (torch.outer(line, line) * (gain / 64)).view(1, 1, 4, 4)


class EqualLinear(nn.Module):
    """A fully connected layer whose weight and bias are scaled at run time.

    Args:
        inputs: width of the input.
        outputs: width of the output.
        lr_mul: the learning rate multiplier of its training, also a scale of weight and bias.
        activate: whether the leaky rectifier follows.
        bias: the value to start the bias from.
    """

    def __init__(
        self, inputs: int, outputs: int, *, lr_mul: float = 1.0, activate: bool = False, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_mul)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.scale, self.lr_mul, self.activate = lr_mul / math.sqrt(inputs), lr_mul, activate

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs) to (N, outputs), in the precision of the input."""
        x = F.linear(x, self.weight.to(x.dtype) * self.scale, self.bias.to(x.dtype) * self.lr_mul)
        return leaky(x) if self.activate else x


class EqualConv(nn.Module):
    """A convolution of the discriminator, with optional blur and stride 2 before and rectifier after it."""

    clamp: float | None = None

    def __init__(self, inputs: int, outputs: int, size: int, *, down: bool = False, activate: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if activate else None
        self.scale, self.size, self.down = 1 / math.sqrt(inputs * size**2), size, down

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, r, r) to (N, outputs, r, r), or to half the sides."""
        weight = self.weight * self.scale
        if self.down:
            x = F.conv2d(blur(x, (self.size + 1) // 2), weight, self.bias, stride=2)
        else:
            x = F.conv2d(x, weight, self.bias, padding=self.size // 2)
        return x if self.bias is None else clamped(leaky(x), self.clamp)


class StyleConv(nn.Module):
    """A modulated and demodulated 3x3 convolution with its noise, bias and rectifier (the paper's figure 2c).

    Modulation scales the input and demodulation the output: the same numbers as weights made for each sample,
    without a copy of the weights for each.
    """

    noise: Tensor
    clamp: float | None = None

    def __init__(self, inputs: int, outputs: int, width: int, resolution: int, *, up: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.affine = EqualLinear(width, inputs, bias=1.0)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("noise", torch.randn(1, 1, resolution, resolution))
        self.scale, self.up = 1 / math.sqrt(inputs * 9), up

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """Map (N, inputs, r, r) and latents (N, width) to (N, outputs, r, r), or to twice the sides."""
        style, weight = self.affine(w), self.weight * self.scale
        energy = F.linear(style.square(), weight.square().sum(dim=(2, 3)))  # (N, outputs)
        x = x * style[:, :, None, None]
        if self.up:
            x = blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), padding=1, gain=4.0)
        else:
            x = F.conv2d(x, weight, padding=1)
        x = x * torch.rsqrt(energy + _EPS)[:, :, None, None]
        x = x + self.strength * (self.noise if noise is None else noise)
        return clamped(leaky(x + self.bias[:, None, None]), self.clamp)


class ToRGB(nn.Module):
    """A modulated 1x1 convolution to RGB, without demodulation."""

    clamp: float | None = None

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.affine = EqualLinear(width, inputs, bias=1.0)
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor, below: Tensor | None) -> Tensor:
        """Map a feature (N, inputs, r, r) to RGB (N, 3, r, r), on top of the image of half its sides."""
        weight = self.weight.flatten(1) * self.scale * self.affine(w)[:, None]  # (N, 3, inputs)
        rgb = x.permute(0, 2, 3, 1).flatten(1, 2) @ weight.transpose(1, 2) + self.bias
        image: Tensor = clamped(rgb, self.clamp).reshape(-1, *x.shape[2:], 3).permute(0, 3, 1, 2)
        return image if below is None else image + upsample(below)


def clamp_activations(network: nn.Module) -> None:
    """Clamp what the convolutions of a generator or discriminator give, as stylegan2-ada-pytorch does."""
    for module in network.modules():
        if isinstance(module, EqualConv | StyleConv | ToRGB):
            module.clamp = CLAMP


def run_mapping(layers: Iterable[nn.Module], z: Tensor) -> Tensor:
    """Map Gaussian z (N, width) to latents w by the layers of a mapping network."""
    w = pixel_norm(z)
    for layer in layers:
        w = layer(w)
    return w


def pixel_norm(x: Tensor) -> Tensor:
    """Scale the channels of z (N, C), or of every pixel of a feature (N, C, r, r), to a root mean square of 1."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + _EPS)
