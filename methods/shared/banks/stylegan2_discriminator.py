"""The StyleGAN2 discriminator (Karras et al., CVPR 2020), residual, for any power of two from 8 to 1024."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from methods.shared.banks.stylegan2_layers import EqualConv, EqualLinear
from methods.shared.state_dicts import length
from methods.shared.state_files import Tensors


class Discriminator(nn.Module):
    """Scores how real each image looks by one logit.

    Args:
        channels: feature channels per resolution, from 4 to the images' own; `stylegan2_layers.capped` makes them.
        group: images that are compared in the minibatch standard deviation, where the batch can be split so.
    """

    def __init__(self, channels: Mapping[int, int], group: int = 4) -> None:
        super().__init__()
        self.resolution, self.group = max(channels), group
        fine_to_coarse = sorted(channels, reverse=True)
        self.from_rgb = EqualConv(3, channels[self.resolution], 1)
        self.blocks = nn.ModuleList(_Block(channels[r], channels[r // 2]) for r in fine_to_coarse if r > 4)
        self.last = EqualConv(channels[4] + 1, channels[4], 3)
        self.dense = EqualLinear(channels[4] * 16, channels[4], activate=True)
        self.out = EqualLinear(channels[4], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map RGB in [-1, 1], (N, 3, R, R), to logits (N, 1)."""
        x = self.from_rgb(images)
        for block in self.blocks:
            x = block(x)
        x = self.last(_with_deviation(x, self.group))
        return self.out(self.dense(x.flatten(1)))


def blank(tensors: Tensors) -> Discriminator:
    """Build the network that the tensors of a discriminator fit, on the `meta` device: it has no values yet."""
    blocks = sum(name.endswith("skip.weight") for name in tensors)
    channels = {(4 << blocks) >> i: length(tensors, f"blocks.{i}.conv1.bias", 512) for i in range(blocks)}
    with torch.device("meta"):
        return Discriminator(channels | {4: length(tensors, "last.bias", 512)})


class _Block(nn.Module):
    """A residual block that halves the sides."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = EqualConv(inputs, inputs, 3)
        self.conv2 = EqualConv(inputs, outputs, 3, down=True)
        self.skip = EqualConv(inputs, outputs, 1, down=True, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.conv2(self.conv1(x)) + self.skip(x)) * 0.5**0.5


def _with_deviation(x: Tensor, group: int) -> Tensor:
    """Append one channel: the mean standard deviation over the images of a group (N, C, 4, 4)."""
    n = len(x)
    size = next(size for size in range(min(group, n), 0, -1) if n % size == 0)
    groups = x.float().reshape(size, n // size, *x.shape[1:])  # image i belongs to group i modulo n/size
    deviation = (groups.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    channel = deviation.to(x.dtype).repeat(size)[:, None, None, None].expand(-1, 1, *x.shape[2:])
    return torch.cat([x, channel], dim=1)
