"""What a latent bank promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bench.base.types import Size

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Latents(NamedTuple):
    """The shape of one image's latents: (slots, width)."""

    slots: int
    width: int


class Synthesis(NamedTuple):
    """What a bank made."""

    features: dict[int, Tensor]
    """By resolution, the last feature before the next one, after `feature_hook`: (N, C, r, r)."""
    image: Tensor | None
    """float32 in [-1, 1], (N, 3, R, R); None when `stop_at` stopped before the bank's resolution."""


FeatureHook = Callable[[int, "Tensor"], "Tensor"]


class Bank(Protocol):
    """A pretrained generator used as a latent bank; also a `torch.nn.Module`."""

    name: str
    digest: str
    """sha256 of what was loaded: files of one architecture share a name. Empty before anything was."""
    resolution: int
    channels: dict[int, int]
    """Feature channels per resolution."""
    latents: Latents
    mean_latent: Tensor
    """The mean of the mapped latents, (width,)."""
    discriminator: torch.nn.Module | None

    @property
    def kind(self) -> str | None:
        """What it generates (`faces`, ...), None when its file does not say."""
        ...

    def map(self, z: Tensor) -> Tensor:
        """Map Gaussian z (N, width) to latents w (N, width), or to one a slot (N, slots, width)."""
        ...

    def sample(self, indices: Sequence[int], domain: Any, truncation: float = 1.0) -> Tensor:
        """Draw latents w (N, width), one an index, from the counter-based stream of a `bench.base.seeds.Domain`."""
        ...

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
            noise: one map (N or 1, 1, r, r) a noise input; the bank's own maps when None.
            feature_hook: may replace the feature at a resolution (GLEAN's S_i); called once a resolution, in order.
            start: a resolution and the feature (N, C, r, r) to resume from; nothing below it is computed and
                `feature_hook` is not called on it (mGANprior).
            stop_at: the last resolution to compute; the whole bank when None.
            label: class labels, for a bank that has classes.
        """
        ...

    def noise_shapes(self) -> list[Size]:
        """Return the sizes of the noise inputs, coarse to fine."""
        ...

    def groups(self) -> list[list[torch.nn.Parameter]]:
        """Return the parameters in groups from coarse to fine (DGP)."""
        ...
