"""The base class of every latent bank: one pass over the resolutions, of which a bank writes the steps."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from bench.base import seeds
from bench.base.errors import MethodError
from bench.base.types import Size

if TYPE_CHECKING:
    from pathlib import Path

    from bench.assets.declare import Asset

_MEAN_SAMPLES = 4096


class Latents(NamedTuple):
    """The shape of one image's latents: (slots, width)."""

    slots: int
    width: int


class Synthesis(NamedTuple):
    """What a bank generated."""

    features: dict[int, Tensor]
    """By resolution, the last feature before the next one, after `feature_hook`: (N, C, r, r)."""
    image: Tensor | None
    """float32 in [-1, 1], (N, 3, R, R); None when `stop_at` stopped before the bank's resolution."""


FeatureHook = Callable[[int, Tensor], Tensor]
NoiseMaps = Sequence[Tensor | None]
"""One (N or 1, 1, r, r) a noise input of a whole bank, coarse to fine; None for the bank's own."""


class Bank(nn.Module, ABC):
    """A pretrained generator used as a latent bank. Frozen and in evaluation mode once it is loaded.

    A subclass writes `map`, `block`, `rgb` and `groups`. It works in the precision of its weights; the image is
    always float32.

    Args:
        channels: feature channels per resolution, from 4 up.
        latents: their shape.
        kind: what it generates (`faces`, ...), None when its file does not say.

    Attributes:
        name: of its family.
        digest: sha256 of what was loaded: files of one family share a name. Empty before anything was.
        resolution: of the image.
        classes: how many classes a label chooses from; 0 when it has none.
        mean_latent: the mean of the mapped latents, (width,).
        discriminator: that of its training, where its file has one.
    """

    name: ClassVar[str]
    ASSETS: ClassVar[Sequence[Asset | Path]] = ()
    """The files that a bank of an installed package needs."""
    sums_rgb: ClassVar[bool] = False
    """Whether every resolution adds to the image; otherwise the last feature alone makes it."""
    digest: str = ""
    classes: int = 0
    mean_latent: Tensor

    def __init__(self, channels: Mapping[int, int], latents: Latents, kind: str | None = None) -> None:
        super().__init__()
        self.channels, self.resolution = dict(channels), max(channels)
        self.latents, self.kind = latents, kind
        self.discriminator: nn.Module | None = None
        self.register_buffer("mean_latent", torch.zeros(latents.width), persistent=False)

    @classmethod
    def load(cls, device: str | torch.device = "cpu") -> Self:
        """Read a bank of an installed package, which can be made without arguments."""
        return cls().to(device)  # type: ignore[call-arg]  # the class of a package takes none

    @abstractmethod
    def map(self, z: Tensor) -> Tensor:
        """Map Gaussian z (N, width) to latents w (N, width), or to one a slot (N, slots, width)."""

    @abstractmethod
    def block(self, r: int, x: Tensor | None, w: Tensor, noise: NoiseMaps, label: Tensor | None = None) -> Tensor:
        """Return the feature of resolution r, (N, C, r, r).

        Args:
            r: one of `channels`.
            x: the feature of r/2; None at 4, which begins with the constant or the latents.
            w: (N, slots, width).
            noise: those of the whole bank.
            label: classes (N,), for a bank that has them.
        """

    @abstractmethod
    def rgb(self, r: int, x: Tensor, w: Tensor, image: Tensor | None) -> Tensor:
        """Return the image of the feature x of resolution r, on top of that of r/2 where `sums_rgb`."""

    @abstractmethod
    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the synthesis in groups from coarse to fine (DGP)."""

    def noise_shapes(self) -> list[Size]:
        """Return the sizes of the noise inputs, coarse to fine: one at 4x4, then two a resolution."""
        return [(r, r) for r in self.channels for _ in range(2)][1:]

    @property
    def z_width(self) -> int:
        """The width of z."""
        return self.latents.width

    def draw(self, indices: Sequence[int], domain: seeds.Domain) -> Tensor:
        """Draw Gaussian z (N, width), one an index, from the counter-based stream of a domain; float64."""
        z = np.stack([seeds.normal(domain, index, (self.z_width,)) for index in indices])
        return torch.from_numpy(z).to(self.mean_latent.device, torch.float64)

    def sample(self, indices: Sequence[int], domain: seeds.Domain, truncation: float = 1.0) -> Tensor:
        """Draw latents w, one an index, `truncation` of the way from the mean latent.

        It is computed in float64 and rounded once, so that a latent depends neither on the batch it was drawn in
        nor on the machine.
        """
        w = self.map(self.draw(indices, domain))
        return torch.lerp(self.mean_latent.double(), w, truncation).to(self.mean_latent.dtype)

    def per_slot(self, latents: Tensor) -> Tensor:
        """Return latents as (N, slots, width), one for all slots repeated, in the precision of the weights.

        Raises:
            MethodError: when they have another shape.
        """
        w = latents.to(self.mean_latent.dtype)
        w = w[:, None].expand(-1, self.latents.slots, -1) if w.ndim == 2 else w
        if tuple(w.shape[1:]) != self.latents:
            raise MethodError("latents do not fit the bank", got=tuple(w.shape[1:]), expected=tuple(self.latents))
        return w

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
        """Generate features and the image.

        Args:
            latents: w (N, width), or one a slot (N, slots, width).
            noise: one map (N or 1, 1, r, r) of unit variance a noise input; the bank's own maps when None.
            feature_hook: may replace the feature at a resolution (GLEAN's S_i); called once each, in order.
            start: a resolution and the feature (N, C, r, r) to resume from; nothing below it is computed and
                `feature_hook` is not called on it (mGANprior).
            stop_at: the last resolution to compute; the whole bank when None.
            label: class labels, one an image, for a bank that has classes.

        Raises:
            MethodError: when `start` or `stop_at` is no resolution of the bank, the latents have another shape, or
                the label is missing, unknown or not wanted.
        """
        self._check_range(start, stop_at)
        label, w = self._checked(label), self.per_slot(latents)
        maps = [None] * len(self.noise_shapes()) if noise is None else [one.to(w.dtype) for one in noise]
        whole, last = stop_at in (None, self.resolution), max(self.channels)
        features: dict[int, Tensor] = {}
        x: Tensor | None = None
        image: Tensor | None = None
        for r in self.channels:
            if (start is not None and r < start[0]) or (stop_at is not None and r > stop_at):
                continue
            if start is not None and r == start[0]:
                x = start[1].to(w.dtype)
            else:
                x = self.block(r, x, w, maps, label)
                x = x if feature_hook is None else feature_hook(r, x)
            features[r] = x
            if whole and (self.sums_rgb or r == last):
                image = self.rgb(r, x, w, image)
        return Synthesis(features, None if image is None else image.float())

    def finish(self, mean_latent: Tensor | None) -> Self:
        """Freeze a bank whose weights have come, and take its digest.

        Args:
            mean_latent: (width,); the mean of 4,096 samples when None.

        Raises:
            ValueError: when it has another width, or is not finite.
        """
        width = self.latents.width
        if mean_latent is not None and (len(mean_latent) != width or not mean_latent.isfinite().all()):
            raise ValueError(f"a mean latent of {len(mean_latent)} numbers, not {width} finite ones")
        self.requires_grad_(False).eval()
        self.mean_latent = torch.zeros(width)
        self.mean_latent = (self._mean_of_samples() if mean_latent is None else mean_latent).float()
        self.digest = _content_digest(self.state_dict())
        return self

    def _mean_of_samples(self) -> Tensor:
        parts = [self.sample(range(i, i + 512), seeds.Domain.FITTING) for i in range(0, _MEAN_SAMPLES, 512)]
        return torch.cat(parts).double().mean(0).flatten()[: self.latents.width]

    def _check_range(self, start: tuple[int, Tensor] | None, stop_at: int | None) -> None:
        starts = list(self.channels)
        stops = sorted({*starts, self.resolution})
        for verb, r, expected in (("start", start and start[0], starts), ("stop", stop_at, stops)):
            if r is not None and r not in expected:
                raise MethodError(f"bank {self.name} cannot {verb} there", got=r, expected=expected)

    def _checked(self, label: Tensor | None) -> Tensor | None:
        if not self.classes:
            if label is not None:
                raise MethodError(f"bank {self.name} has no classes", got="a label", expected="none")
            return None
        if label is None:
            expected = f"one of {self.classes} an image"
            raise MethodError(f"bank {self.name} needs a class", got="no label", expected=expected)
        label = torch.as_tensor(label, device=self.mean_latent.device).reshape(-1)
        if wrong := [number for number in label.tolist() if not 0 <= number < self.classes]:
            expected = f"0 to {self.classes - 1}"
            raise MethodError(f"bank {self.name} has no such class", got=wrong[0], expected=expected)
        return label


def _content_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of names and values, whatever file they came from."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
