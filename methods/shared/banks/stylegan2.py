"""StyleGAN2 (Karras et al., CVPR 2020, arXiv 1912.04958) as a latent bank; config-f and narrower ones.

`blank` builds the network without values, for a file to fill: nothing random can remain in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from bench import FeatureHook, Latents, MethodError, Size, Synthesis
from bench.base import seeds
from methods.shared.banks.state_files import Tensors, content_digest, length
from methods.shared.banks.stylegan2_layers import CHANNELS, EqualLinear, StyleConv, ToRGB, normalise

_MEAN_SAMPLES = 4096
_REPEATED = ("rgbs.", "mapping.")


class StyleGAN2(nn.Module):
    """The generator behind the contract of `bench.base.Bank`. Frozen and in evaluation mode when loaded.

    It works in the precision of its weights, `sample` in float64 so that a latent depends on nothing but its key.
    The image is float32 always.

    Args:
        channels: feature channels per resolution, from 4 to the images' own.
        width: of a latent.
        mapping: layers of the mapping network.
        kind: what it generates.
    """

    name: ClassVar[str] = "stylegan2"
    digest: str = ""
    """sha256 over the names and values of every weight and noise map that was loaded."""
    mean_latent: Tensor

    def __init__(
        self, channels: Mapping[int, int], width: int = 512, mapping: int = 8, kind: str | None = None
    ) -> None:
        super().__init__()
        self.channels, self.resolution, self.kind = dict(channels), max(channels), kind
        self.latents = Latents(slots=2 * len(channels), width=width)
        self.discriminator: nn.Module | None = None
        self.constant = nn.Parameter(torch.randn(1, channels[4], 4, 4))
        self.mapping = nn.ModuleList(EqualLinear(width, width, lr_mul=0.01, activate=True) for _ in range(mapping))
        self.convs, self.rgbs = nn.ModuleList(), nn.ModuleList()
        for r in self.channels:
            if r > 4:
                self.convs.append(StyleConv(channels[r // 2], channels[r], width, r, up=True))
            self.convs.append(StyleConv(channels[r], channels[r], width, r, up=False))
            self.rgbs.append(ToRGB(channels[r], width))
        self.register_buffer("mean_latent", torch.zeros(width), persistent=False)

    def map(self, z: Tensor) -> Tensor:
        """Map Gaussian z (N, width) to latents w (N, width), in the precision of z."""
        w = normalise(z)
        for layer in self.mapping:
            w = layer(w)
        return w

    def sample(self, indices: Sequence[int], domain: seeds.Domain, truncation: float = 1.0) -> Tensor:
        """Draw latents w (N, width), one an index, `truncation` of the way from the mean latent."""
        z = np.stack([seeds.normal(domain, index, (self.latents.width,)) for index in indices])
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

        The image is the sum of what each resolution adds to it, read after `feature_hook`; with `start`, the resolutions
        below it add nothing.

        Raises:
            MethodError: when `start` or `stop_at` is no resolution of the bank, or a label is given.
        """
        self._check(start, stop_at, label)
        w = self.per_slot(latents)
        features: dict[int, Tensor] = {}
        image = x = None
        for level, r in enumerate(self.channels):
            if start is not None and r <= start[0]:
                x = start[1].to(self.constant.dtype) if r == start[0] else None
            else:
                x = self.block(r, x, w, noise)
                x = x if feature_hook is None else feature_hook(r, x)
            if x is not None:
                features[r] = x
                if stop_at in (None, self.resolution):
                    image = self.rgbs[level](x, w[:, 2 * level + 1], image)
            if r == stop_at:
                break
        return Synthesis(features, None if image is None else image.float())

    def block(self, r: int, x: Tensor | None, w: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Run the convolutions of resolution r on the feature of r/2 (nothing at 4), with w (N, slots, width)."""
        numbers = (2 * self._level(r) - 1, 2 * self._level(r)) if r > 4 else (0,)
        if x is None:
            x = self.constant.expand(len(w), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        for number in numbers:
            own = None if noise is None else noise[number].to(x.dtype)
            x = self.convs[number](x, w[:, number], own)
        return x

    def per_slot(self, latents: Tensor) -> Tensor:
        """Return latents as (N, slots, width), one for all slots repeated."""
        w = latents.to(self.constant.dtype)
        w = w[:, None].expand(-1, self.latents.slots, -1) if w.ndim == 2 else w
        if tuple(w.shape[1:]) != tuple(self.latents):
            raise MethodError("latents do not fit the bank", got=tuple(w.shape[1:]), expected=tuple(self.latents))
        return w

    def noise_shapes(self) -> list[Size]:
        """Return the sizes of the noise inputs, coarse to fine."""
        return [(4, 4)] + [(r, r) for r in self.channels if r > 4 for _ in range(2)]

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the synthesis from coarse to fine, one group a resolution."""
        groups = [[self.constant]] + [[] for _ in self.rgbs[1:]]
        for number, conv in enumerate(self.convs):
            groups[(number + 1) // 2] += conv.parameters()
        for level, rgb in enumerate(self.rgbs):
            groups[level] += rgb.parameters()
        return groups

    def finish(self, mean_latent: Tensor | None) -> Self:
        """Freeze a bank whose tensors have come; the mean of 4,096 samples stands in for a mean not given."""
        if mean_latent is not None and (
            len(mean_latent) != self.latents.width or not mean_latent.isfinite().all()
        ):
            raise ValueError(f"a mean latent of {len(mean_latent)} numbers, not {self.latents.width} finite ones")
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)
        self.mean_latent = torch.zeros(self.latents.width) if mean_latent is None else mean_latent.float()
        if mean_latent is None:
            samples = [self.sample(range(i, i + 512), seeds.Domain.FITTING) for i in range(0, _MEAN_SAMPLES, 512)]
            self.mean_latent = torch.cat(samples).double().mean(0).float()
        self.digest = content_digest(self.state_dict())
        return self

    def _level(self, r: int) -> int:
        return r.bit_length() - 3

    def _check(self, start: tuple[int, Tensor] | None, stop_at: int | None, label: Tensor | None) -> None:
        for what, r in (("start", start and start[0]), ("stop", stop_at)):
            if r is not None and r not in self.channels:
                raise MethodError(f"bank stylegan2 cannot {what} there", got=r, expected=list(self.channels))
        if label is not None:
            raise MethodError("bank stylegan2 has no classes", got="a label", expected="none")


def blank(tensors: Tensors, kind: str | None = None) -> StyleGAN2:
    """Build the network that the tensors of a generator fit, on the `meta` device: it has no values yet."""
    levels, mapping = (len({name.split(".")[1] for name in tensors if name.startswith(p)}) for p in _REPEATED)
    resolutions = [4 << level for level in range(max(levels, 1))]
    channels = {
        r: length(tensors, f"convs.{2 * level}.bias", CHANNELS.get(r, 512)) for level, r in enumerate(resolutions)
    }
    with torch.device("meta"):
        return StyleGAN2(channels, length(tensors, "mapping.0.bias", 512), mapping, kind)
