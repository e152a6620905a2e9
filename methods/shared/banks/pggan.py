"""PGGAN (Karras et al., ICLR 2018, arXiv:1710.10196) as a latent bank, from the files that mGANprior uses.

Its only latent is z: it enters at 4x4, so resuming from a feature needs no latents at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import AssetError, FeatureHook, Latents, MethodError, Size, Synthesis
from bench.base import seeds
from methods.shared.banks.converted import (
    below,
    check_range,
    draw,
    equalised,
    fused,
    nothing_left,
    pixel_norm,
    take,
)
from methods.shared.banks.state_files import Tensors, content_digest, fit

MARKER = "layer0.conv.weight"


class PGGAN(nn.Module):
    """The generator behind the contract of `bench.base.Bank`.

    Args:
        channels: feature channels per resolution, from 4 to the images' own.
        width: of z.
        kind: what it generates.
    """

    name = "pggan"
    digest: str = ""
    mean_latent: Tensor

    def __init__(self, channels: dict[int, int], width: int, kind: str | None = None) -> None:
        super().__init__()
        self.channels, self.resolution, self.kind = dict(channels), max(channels), kind
        self.latents = Latents(1, width)
        self.discriminator: nn.Module | None = None
        self.convs = nn.ModuleList()
        for r, count in channels.items():
            size, padding, inputs = (4, 3, width) if r == 4 else (3, 1, channels[r // 2])
            self.convs.append(nn.Conv2d(inputs, count, size, padding=padding))
            self.convs.append(nn.Conv2d(count, count, 3, padding=1))
        self.to_image = nn.Conv2d(channels[self.resolution], 3, 1)
        self.register_buffer("mean_latent", torch.zeros(width), persistent=False)

    def map(self, z: Tensor) -> Tensor:
        """Return z itself."""
        return z

    def sample(self, indices: Sequence[int], domain: seeds.Domain, truncation: float = 1.0) -> Tensor:
        """Draw z (N, width), one an index, shortened by `truncation`."""
        return (truncation * draw(indices, domain, self.latents.width)).to(self.mean_latent)

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
        """Generate features and the image; see `bench.base.Bank.synthesise`. There is no noise.

        Raises:
            MethodError: when `start` or `stop_at` is no resolution of the bank, or a label is given.
        """
        check_range(self.name, list(self.channels), start, stop_at)
        if label is not None:
            raise MethodError("bank pggan has no classes", got="a label", expected="none")
        x = latents.reshape(len(latents), -1, 1, 1) if start is None else start[1]
        features = {} if start is None else {start[0]: x}
        for level, r in enumerate(self.channels):
            if (start is not None and r <= start[0]) or (stop_at is not None and r > stop_at):
                continue
            x = pixel_norm(x)
            x = x if r == 4 else F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.leaky_relu(self.convs[2 * level](x), 0.2)
            x = F.leaky_relu(self.convs[2 * level + 1](pixel_norm(x)), 0.2)
            features[r] = x = fused(feature_hook, r, x)
        whole = stop_at in (None, self.resolution)
        return Synthesis(features, self.to_image(pixel_norm(x)).float() if whole else None)

    def noise_shapes(self) -> list[Size]:
        """Return nothing: it has no noise inputs."""
        return []

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters from coarse to fine, one group a resolution."""
        pairs = [self.convs[2 * level : 2 * level + 2] for level in range(len(self.channels))]
        groups = [[value for conv in pair for value in conv.parameters()] for pair in pairs]
        groups[-1] += self.to_image.parameters()
        return groups


def build(tensors: Tensors, origin: Path, kind: str | None = None) -> PGGAN:
    """Build the bank of a file of `layer{i}.conv.weight`, `layer{i}.wscale.bias` and `output{k}....` keys.

    Raises:
        AssetError: when it is no such file, or one of a network that is still growing.
    """
    left = below(tensors, MARKER, origin, "PGGAN")
    levels = sum(key.startswith("output") and key.endswith("conv.weight") for key in left)
    if float(left.pop("lod", torch.zeros(()))) != 0:
        raise AssetError(f"weight file {origin.name} is of a PGGAN that is still growing", expected="lod 0")
    names: Tensors = {}
    for index in range(2 * levels):
        names[f"convs.{index}.weight"] = equalised(take(left, f"layer{index}.conv.weight", origin))
        names[f"convs.{index}.bias"] = take(left, f"layer{index}.wscale.bias", origin)
    for level in range(levels):  # the coarser outputs served the growing alone
        weight = take(left, f"output{level}.conv.weight", origin)
        bias = take(left, f"output{level}.wscale.bias", origin)
        names |= {"to_image.weight": equalised(weight, 1.0), "to_image.bias": bias}
    nothing_left(left, origin, "PGGAN")
    channels = {4 << level: len(names[f"convs.{2 * level}.bias"]) for level in range(levels)}
    with torch.device("meta"):
        bank = PGGAN(channels, names["convs.0.weight"].shape[1], kind)
    bank.mean_latent = torch.zeros(bank.latents.width)
    fit(bank, names, origin, "PGGAN")
    bank.requires_grad_(False).eval()
    bank.digest = content_digest(bank.state_dict())
    return bank
