"""The base class of every method: an adapter sets a name and writes `restore`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.base.types import Batch, Category, Cell, Needs, Restored, Size

if TYPE_CHECKING:
    import torch

    from bench.assets.declare import Asset


class Method(ABC):
    """Something that restores. One class a file, built as `Adapter(Options(...))`.

    What a subclass does not set has the default that is written here; each property may be a plain class
    attribute instead (`title = "Bicubic"`).

    Attributes:
        name: by which a command selects it.
        group: under which `bench list methods` shows it; a listing imports nothing, so a plain text in its class.
        Options: a frozen dataclass, every field typed and with a default.
        sees_references: True for one that needs other images beside the LR; a category names them.
        has_costs: False for one that does no work of its own here: no time and no memory is recorded.
    """

    @dataclass(frozen=True)
    class Options:
        """No options."""

    name: ClassVar[str]
    group: ClassVar[str] = "single pass"
    sees_references: ClassVar[bool] = False
    has_costs: ClassVar[bool] = True

    def __init__(self, options: Any = None) -> None:
        self.options: Any = self.Options() if options is None else options

    @property
    def title(self) -> str | None:
        """What tables call it; its label when None."""
        return None

    @property
    def sees_hr(self) -> bool:
        """True only for an upper bound, whose batches bring the ground truth in `extras["hr"]`."""
        return False

    @property
    def kind(self) -> str | None:
        """The one kind of image that it is for (`faces`, ...), None for every kind."""
        return None

    @property
    def notes(self) -> str:
        """How it departs from its publication."""
        return ""

    @property
    def needs(self) -> Needs:
        """What one worker of it must have."""
        return Needs()

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """The metrics whose network its training or its loss used; tables mark them with †."""
        return ()

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The data sets that its weights have seen, as the cards of categories call them (`data_set`)."""
        return ()

    @property
    def is_of_one_factor(self) -> bool:
        """Whether it has results of one factor only, without saying of which: a run may ask it for one."""
        return False

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight files that these options need, declared or the user's own; its identity holds them.

        Raises:
            UsageError: when the options name a file that is not there.
        """
        return ()

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Return the reason why this input cannot be restored, or None when it can.

        Args:
            lr_size: height and width of the LR, in pixels.
            hr_size: height and width of the result.
            factor: of the enlargement.
            category: what the image shows.
        """
        return None

    def unmatched_warnings(self, cells: Sequence[Cell]) -> Sequence[str]:
        """Return sentences to say before a run restores these cells (a folder's missing images)."""
        return ()

    def load(self, device: torch.device) -> None:
        """Keep the device as `self.device`; a method with weights reads them here.

        Called once in the worker process, before the first `restore`.

        Raises:
            AssetError: when a file cannot be had or does not fit.
        """
        self.device = device

    @abstractmethod
    def restore(self, batch: Batch) -> Restored:
        """Restore a batch; the same seeds give the same result, whatever was restored before.

        Args:
            batch: its `lr` is float32 RGB in [0, 1], (N, 3, h, w).

        Returns:
            `sr`, float32 RGB in [0, 1], (N, 3, h * factor, w * factor).

        Raises:
            MethodError: when an image cannot be restored; it costs that cell alone.
        """
