"""StyleGAN2 (Karras et al., CVPR 2020, arXiv 1912.04958) as a latent bank; config-f and narrower ones.

`blank` builds the network without values, for a file to fill: nothing random can remain in it.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from bench import Bank, Latents, NoiseMaps
from methods.shared.banks.stylegan2_layers import CHANNELS, EqualLinear, StyleConv, ToRGB, run_mapping
from methods.shared.state_dicts import length
from methods.shared.state_files import Tensors

_REPEATED = ("rgbs.", "mapping.")


class StyleGAN2(Bank):
    """The generator. Its image is the sum of what each resolution adds; with `start`, those below it add nothing.

    Args:
        channels: feature channels per resolution, from 4 to the images' own.
        width: of a latent.
        mapping: layers of the mapping network.
        kind: what it generates.
    """

    name = "stylegan2"
    sums_rgb = True

    def __init__(
        self, channels: Mapping[int, int], width: int = 512, mapping: int = 8, kind: str | None = None
    ) -> None:
        super().__init__(channels, Latents(slots=2 * len(channels), width=width), kind)
        self.constant = nn.Parameter(torch.randn(1, channels[4], 4, 4))
        self.mapping = nn.ModuleList(EqualLinear(width, width, lr_mul=0.01, activate=True) for _ in range(mapping))
        self.convs, self.rgbs = nn.ModuleList(), nn.ModuleList()
        for r in self.channels:
            if r > 4:
                self.convs.append(StyleConv(channels[r // 2], channels[r], width, r, up=True))
            self.convs.append(StyleConv(channels[r], channels[r], width, r, up=False))
            self.rgbs.append(ToRGB(channels[r], width))

    def map(self, z: Tensor) -> Tensor:
        """Map Gaussian z (N, width) to latents w (N, width), in the precision of z."""
        return run_mapping(self.mapping, z)

    def block(self, r: int, x: Tensor | None, w: Tensor, noise: NoiseMaps, label: Tensor | None = None) -> Tensor:
        """Run the convolutions of one resolution; the first one, at 4, is of the constant."""
        level = _level(r)
        if x is None:
            x = self.constant.expand(len(w), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        for number in (2 * level - 1, 2 * level) if r > 4 else (0,):
            x = self.convs[number](x, w[:, number], noise[number])
        return x

    def rgb(self, r: int, x: Tensor, w: Tensor, image: Tensor | None) -> Tensor:
        """Add what this resolution adds to the image of half its sides."""
        return self.rgbs[_level(r)](x, w[:, 2 * _level(r) + 1], image)

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the synthesis from coarse to fine, one group a resolution."""
        groups = [[self.constant]] + [[] for _ in self.rgbs[1:]]
        for number, conv in enumerate(self.convs):
            groups[(number + 1) // 2] += conv.parameters()
        for level, rgb in enumerate(self.rgbs):
            groups[level] += rgb.parameters()
        return groups

    def finish(self, mean_latent: Tensor | None) -> Self:
        """Freeze a bank whose weights have come; see `bench.Bank.finish`."""
        return super().finish(mean_latent).to(memory_format=torch.channels_last)


def _level(r: int) -> int:
    return r.bit_length() - 3


def blank(tensors: Tensors, kind: str | None = None) -> StyleGAN2:
    """Build the network that the tensors of a generator fit, on the `meta` device: it has no values yet."""
    levels, mapping = (len({name.split(".")[1] for name in tensors if name.startswith(p)}) for p in _REPEATED)
    resolutions = [4 << level for level in range(max(levels, 1))]
    channels = {
        r: length(tensors, f"convs.{2 * level}.bias", CHANNELS.get(r, 512)) for level, r in enumerate(resolutions)
    }
    with torch.device("meta"):
        return StyleGAN2(channels, length(tensors, "mapping.0.bias", 512), mapping, kind)
