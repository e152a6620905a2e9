"""What a method, a bank and a metric promise. Protocols, not base classes: nothing here is inherited.

Images have two forms. A saved image is `Pixels`: uint8 RGB, (H, W, 3), what a PNG holds. Inside a network it
is a tensor: float32 RGB in [0, 1], (N, 3, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bench.assets import Asset

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]
"""Height, width."""


class Category(NamedTuple):
    """What a method may know of the category it restores."""

    name: str
    kind: str | None
    """What the images show (`faces`, `cats`, ...), None when nobody said."""


# ---------------------------------------------------------------------------------------------- methods


class Cell(NamedTuple):
    """One image that a run asks of a method."""

    category: str
    factor: int
    image: str


@dataclass(frozen=True)
class Batch:
    """The input of one `restore` call."""

    lr: Tensor
    """float32 RGB in [0, 1], (N, 3, h, w)."""
    factor: int
    images: tuple[str, ...]
    seeds: tuple[int, ...]
    """One seed an image, from the run's seed and the LR pixels."""
    category: Category
    extras: Mapping[str, Any] = field(default_factory=dict)
    """`hr` for a method that says `sees_hr`; a `reference` image."""


@dataclass(frozen=True)
class Restored:
    """The output of one `restore` call."""

    sr: Tensor
    """float32 RGB in [0, 1], (N, 3, h * factor, w * factor)."""
    values: Sequence[Mapping[str, float]] = ()
    """What the method wants recorded, one mapping an image (steps taken, a missed eps), or nothing."""


class Needs(NamedTuple):
    """What one worker of a method must have."""

    memory_mb: float = 800.0
    """The peak of its process at 1024 pixels; torch alone takes about 700."""
    gpu: bool = False
    """Whether it cannot run without one."""


@runtime_checkable
class Method(Protocol):
    """Something that restores. One class a file, built as `Adapter(Options(...))`.

    Besides what is declared here an adapter may set, all with a plain default when absent:
    `title` (how tables call it), `kind` (the one kind of image it is for), `sees_hr` (True only for an upper
    bound), `trained_with` (names of metrics whose network its training used: they get a dagger), `needs` (a
    `Needs`), `notes` (how it departs from its publication), and `unpaired(cells)` (sentences about the `Cell`s
    that a run asks of it, said before it begins: a folder's missing and extra images).
    """

    name: ClassVar[str]
    Options: ClassVar[type]
    """A frozen dataclass, every field typed and with a default."""
    options: Any
    """The `Options` it was built with."""

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight files that these options need, declared or the user's own."""
        ...

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Return the reason why this input cannot be restored, or None when it can."""
        ...

    def load(self, device: torch.device) -> None:
        """Read the weights. Called once in the worker process, before the first `restore`."""
        ...

    def restore(self, batch: Batch) -> Restored:
        """Restore a batch; the same seeds give the same result, whatever was restored before."""
        ...


def needs_of(method: Method) -> Needs:
    """Return what a worker of the method must have."""
    needs: Needs = getattr(method, "needs", Needs())
    return needs


# ---------------------------------------------------------------------------------------------- banks


class Latents(NamedTuple):
    """The shape of one image's latents: (slots, width)."""

    slots: int
    width: int


class Synthesis(NamedTuple):
    """What a bank made."""

    features: dict[int, Tensor]
    """By resolution, the last feature before the next one, after `fuse`: (N, C, r, r)."""
    image: Tensor | None
    """float32 in [-1, 1], (N, 3, R, R); None when `upto` stopped before the bank's resolution."""


Fuse = Callable[[int, "Tensor"], "Tensor"]


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
        """Draw latents w (N, width), one an index, from the counter-based stream of a `bench.seeds.Domain`."""
        ...

    def synthesise(
        self,
        latents: Tensor,
        *,
        noise: Sequence[Tensor] | None = None,
        fuse: Fuse | None = None,
        start: tuple[int, Tensor] | None = None,
        upto: int | None = None,
        label: Tensor | None = None,
    ) -> Synthesis:
        """Generate features and the image.

        Args:
            latents: w (N, width), or one a slot (N, slots, width).
            noise: one map (N or 1, 1, r, r) a noise input; the bank's own maps when None.
            fuse: may replace the feature at a resolution (GLEAN's S_i); called once a resolution, in order.
            start: a resolution and the feature (N, C, r, r) to resume from; nothing below it is computed and
                `fuse` is not called on it (mGANprior).
            upto: the last resolution to compute; the whole bank when None.
            label: class labels, for a bank that has classes.
        """
        ...

    def noise_shapes(self) -> list[Size]:
        """Return the sizes of the noise inputs, coarse to fine."""
        ...

    def groups(self) -> list[list[torch.nn.Parameter]]:
        """Return the parameters in groups from coarse to fine (DGP)."""
        ...


# ---------------------------------------------------------------------------------------------- metrics


class Better(Enum):
    """The direction of a metric."""

    HIGHER = "higher"
    LOWER = "lower"


@runtime_checkable
class ImageMetric(Protocol):
    """One value an image. With reference `hr` or `lr` it compares with that; with `none` it looks at SR alone.

    It may set `kinds` (the kinds of image it means something for; every kind when absent), `unit`, and
    `extra` (the optional dependency that it needs).
    """

    name: ClassVar[str]
    better: ClassVar[Better]
    signature: ClassVar[str]
    reference: ClassVar[Literal["hr", "lr", "none"]]

    def assets(self) -> Sequence[Asset]:
        """Return the files it needs."""
        ...

    def load(self, device: torch.device) -> None:
        """Read the networks; raise `bench.errors.Unavailable` with a reason and a remedy when it cannot."""
        ...

    def features(self, reference: Pixels) -> Any:
        """Describe the reference image; called once an image, for all methods. Returns None when unused.

        Raises:
            ImageError: when it cannot be described (no face in it, say): its cells then have no value.
        """
        ...

    def compare(self, sr: Pixels, features: Any, factor: int) -> float:
        """Return the value of one SR image; NaN is an error."""
        ...


class SetValue(NamedTuple):
    """The value of a set metric."""

    value: float
    n: int
    note: str | None = None
    """A plain warning about this n, or None."""


class Gathered(Protocol):
    """What a set metric keeps of a set of images; sets that were gathered apart can be merged."""

    @property
    def n(self) -> int:
        """Return how many images it has taken."""
        ...

    def add(self, features: npt.NDArray[np.float32]) -> None:
        """Take one more image's features, (d,)."""
        ...

    def merge(self, other: Self) -> None:
        """Take another set's images."""
        ...


@runtime_checkable
class SetMetric(Protocol):
    """One value for all the images of a method, category and factor."""

    name: ClassVar[str]
    better: ClassVar[Better]
    signature: ClassVar[str]

    def assets(self) -> Sequence[Asset]:
        """Return the files it needs."""
        ...

    def load(self, device: torch.device) -> None:
        """As `ImageMetric.load`."""
        ...

    def features(self, image: Pixels) -> npt.NDArray[np.float32]:
        """Describe one image, SR or HR: (d,)."""
        ...

    def gather(self) -> Gathered:
        """Return an empty set."""
        ...

    def distance(self, sr: Any, hr: Any) -> SetValue:
        """Compare two sets of its own kind."""
        ...
