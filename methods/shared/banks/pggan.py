"""PGGAN (Karras et al., ICLR 2018, arXiv:1710.10196) as a latent bank, from the files that mGANprior uses.

Its only latent is z: it enters at 4x4, so resuming from a feature needs no latents at all.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import AssetError, Latents, NoiseMaps
from methods.shared.banks.stylegan2_layers import pixel_norm
from methods.shared.banks.unmapped import UnmappedBank
from methods.shared.state_dicts import ensure_consumed, equalised, load_strict, pop_tensor, strip_prefix
from methods.shared.state_files import Tensors

MARKER = "layer0.conv.weight"


class PGGAN(UnmappedBank):
    """The generator.

    Args:
        channels: feature channels per resolution, from 4 to the images' own.
        width: of z.
        kind: what it generates.
    """

    name = "pggan"

    def __init__(self, channels: dict[int, int], width: int, kind: str | None = None) -> None:
        super().__init__(channels, Latents(1, width), kind)
        self.convs = nn.ModuleList()
        for r, count in channels.items():
            size, padding, inputs = (4, 3, width) if r == 4 else (3, 1, channels[r // 2])
            self.convs.append(nn.Conv2d(inputs, count, size, padding=padding))
            self.convs.append(nn.Conv2d(count, count, 3, padding=1))
        self.to_image = nn.Conv2d(channels[self.resolution], 3, 1)

    def block(self, r: int, x: Tensor | None, w: Tensor, noise: NoiseMaps, label: Tensor | None = None) -> Tensor:
        """Run two convolutions, the first of z or of the feature at twice its size."""
        first, second = self._convs(r)
        if x is None:
            x = pixel_norm(w.reshape(len(w), -1, 1, 1))
        else:
            x = F.interpolate(pixel_norm(x), scale_factor=2, mode="nearest")
        x = F.leaky_relu(first(x), 0.2)
        return F.leaky_relu(second(pixel_norm(x)), 0.2)

    def rgb(self, r: int, x: Tensor, w: Tensor, image: Tensor | None) -> Tensor:
        """Map the last feature to colours."""
        return self.to_image(pixel_norm(x))

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters from coarse to fine, one group a resolution."""
        groups = [list(self._convs(r).parameters()) for r in self.channels]
        groups[-1] += self.to_image.parameters()
        return groups

    def _convs(self, r: int) -> nn.ModuleList:
        level = list(self.channels).index(r)
        return self.convs[2 * level : 2 * level + 2]


def build(tensors: Tensors, origin: Path, kind: str | None = None) -> PGGAN:
    """Build the bank of a file of `layer{i}.conv.weight`, `layer{i}.wscale.bias` and `output{k}....` keys.

    Raises:
        AssetError: when it is no such file, or one of a network that is still growing.
    """
    left = strip_prefix(tensors, MARKER, origin, "PGGAN")
    levels = sum(key.startswith("output") and key.endswith("conv.weight") for key in left)
    if float(left.pop("lod", torch.zeros(()))) != 0:
        raise AssetError(f"weight file {origin.name} is of a PGGAN that is still growing", expected="lod 0")
    names: Tensors = {}
    for index in range(2 * levels):
        names[f"convs.{index}.weight"] = equalised(pop_tensor(left, f"layer{index}.conv.weight", origin))
        names[f"convs.{index}.bias"] = pop_tensor(left, f"layer{index}.wscale.bias", origin)
    for level in range(levels):  # the coarser outputs served the growing alone
        weight = pop_tensor(left, f"output{level}.conv.weight", origin)
        bias = pop_tensor(left, f"output{level}.wscale.bias", origin)
        names |= {"to_image.weight": equalised(weight, 1.0), "to_image.bias": bias}
    ensure_consumed(left, origin, "PGGAN")
    channels = {4 << level: len(names[f"convs.{2 * level}.bias"]) for level in range(levels)}
    with torch.device("meta"):
        bank = PGGAN(channels, names["convs.0.weight"].shape[1], kind)
    load_strict(bank, names, origin, "PGGAN")
    return bank.finish(torch.zeros(bank.latents.width))
