"""The ground truth itself: shows that the ruler is straight, and what the best possible score is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Method, MethodError, Restored, Size

if TYPE_CHECKING:
    import torch


class GroundTruth(Method):
    """Return the ground truth; an upper bound, not a method."""

    name = "hr"
    title = "Ground truth"
    sees_hr = True

    @dataclass(frozen=True)
    class Options:
        """There is nothing to choose."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def assets(self) -> Sequence[Asset | Path]:
        """Return nothing: there are no weights."""
        return ()

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Accept everything; the runner leaves out what has no ground truth."""
        return None

    def load(self, device: torch.device) -> None:
        """Read nothing."""

    def restore(self, batch: Batch) -> Restored:
        """Return the HR images that the runner handed over.

        Raises:
            MethodError: when it handed none over.
        """
        if "hr" not in batch.extras:
            raise MethodError(f"no ground truth was given with {', '.join(batch.images)}")
        return Restored(batch.extras["hr"])
