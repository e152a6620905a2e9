"""GLEAN as published (Chan et al., Generative Latent Bank for Large-Factor Image Super-Resolution, CVPR 2021).

The network of mmediting and mmagic, with the names of their weight files. Two things that these files carry never
reach the output and are not computed here: the bank's RGB path with `fusion_skip`, and its mapping network.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import MethodError
from methods.shared.banks.stylegan2 import StyleGAN2
from methods.shared.networks.rrdb import DenseBlock


class PublishedGLEAN(nn.Module):
    """Encoder, StyleGAN2 bank and decoder; the bank is frozen.

    Args:
        in_size: side of the input, smaller than the bank's resolution.
        bank: with the channels of every resolution from 4 up.
        trunk: channels, blocks and growth of the residual dense trunk.
    """

    def __init__(self, in_size: int, bank: StyleGAN2, *, trunk: tuple[int, int, int] = (64, 23, 32)) -> None:
        super().__init__()
        self.in_size, self.out_size = in_size, bank.resolution
        self.generator = bank.requires_grad_(False)
        self.encoder = _encoder(in_size, bank, trunk)
        coarse = [channels for r, channels in bank.channels.items() if r <= in_size]
        self.fusion_out = nn.ModuleList(_conv(2 * channels, channels) for channels in coarse)
        self.fusion_skip = nn.ModuleList(_conv(channels + 3, 3) for channels in coarse)
        self.decoder = _decoder(in_size, bank)

    def forward(self, lr: Tensor) -> Tensor:
        """Restore RGB in [-1, 1], (N, 3, in_size, in_size), to (N, 3, out_size, out_size), nominally in [-1, 1].

        Raises:
            MethodError: when the input has another size.
        """
        if lr.shape[2:] != (self.in_size, self.in_size):
            size = f"{self.in_size}x{self.in_size}"
            raise MethodError("this GLEAN reads one size", got=f"{lr.shape[2]}x{lr.shape[3]}", expected=size)
        encoded, latents = self._encode(lr)
        generated = self._generate(encoded, latents)
        x = encoded[self.in_size]
        for number, block in enumerate(self.decoder):
            r = self.in_size << number
            x = block(x if number == 0 else torch.cat([x, generated[r]], dim=1))
        return x

    def _encode(self, lr: Tensor) -> tuple[dict[int, Tensor], Tensor]:
        """Return the encoder's features by resolution and the latents (N, slots, width)."""
        encoded, x = {}, lr
        for number, block in enumerate(self.encoder):
            x = block(x)
            if x.ndim == 4:
                encoded[self.in_size >> number] = x
        return encoded, x.reshape(len(lr), *self.generator.latents)

    def _generate(self, encoded: dict[int, Tensor], latents: Tensor) -> dict[int, Tensor]:
        """Return the bank's features above the input's resolution, after the fusions below it."""
        generated: dict[int, Tensor] = {}
        x, own_noise = None, [None] * len(self.generator.noise_shapes())
        for level, r in enumerate(self.generator.channels):
            x = self.generator.block(r, x, latents, own_noise)
            if r <= self.in_size:
                x = self.fusion_out[level](torch.cat([x, encoded[r]], dim=1))
            else:
                generated[r] = x
        return generated


def _encoder(in_size: int, bank: StyleGAN2, trunk: tuple[int, int, int]) -> nn.ModuleList:
    channels = bank.channels
    blocks = [nn.Sequential(_Trunk(*trunk), _conv(trunk[0], channels[in_size]), _leaky())]
    r = in_size
    while r > 4:
        down = _conv(channels[r], channels[r // 2], stride=2)
        blocks.append(nn.Sequential(down, _leaky(), _conv(channels[r // 2], channels[r // 2]), _leaky()))
        r //= 2
    dense = nn.Linear(16 * channels[4], bank.latents.slots * bank.latents.width)
    blocks.append(nn.Sequential(_conv(channels[4], channels[4]), _leaky(), nn.Flatten(), dense))
    return nn.ModuleList(blocks)


def _decoder(in_size: int, bank: StyleGAN2) -> nn.ModuleList:
    blocks: list[nn.Module] = []
    for r, channels in bank.channels.items():
        inputs = channels if r == in_size else 2 * channels
        if in_size <= r < bank.resolution:
            blocks.append(_PixelShuffle(inputs, bank.channels[2 * r]))
        elif r == bank.resolution:
            blocks.append(nn.Sequential(_conv(inputs, 64), _leaky(), _conv(64, 3)))
    return nn.ModuleList(blocks)


class _PixelShuffle(nn.Module):
    """A convolution to four times the channels, rearranged to twice the sides."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.upsample_conv = _conv(inputs, 4 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.upsample_conv(x), 2)


class _Trunk(nn.Module):
    """The residual dense trunk of ESRGAN (Wang et al., 2018), without its up-sampling."""

    def __init__(self, channels: int, blocks: int, growth: int) -> None:
        super().__init__()
        self.conv_first = _conv(3, channels)
        self.body = nn.Sequential(*(_Block(channels, growth) for _ in range(blocks)))
        self.conv_body = _conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_first(x)
        return x + self.conv_body(self.body(x))


class _Block(nn.Module):
    """Three dense blocks inside one more residual connection."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_Dense(channels, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class _Dense(DenseBlock):
    """Five convolutions, each of everything before it, in mmediting's order of operations."""

    def forward(self, x: Tensor) -> Tensor:
        so_far = [x]
        for number, conv in enumerate(self.children()):
            out: Tensor = conv(torch.cat(so_far, dim=1))
            so_far.append(out if number == 4 else F.leaky_relu(out, 0.2))
        return x + 0.2 * so_far[-1]


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


def _leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(0.2, inplace=True)
