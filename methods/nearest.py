"""Pixel repetition: the plainest picture of what an LR image holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Method, Restored, Size

if TYPE_CHECKING:
    import torch


class Nearest(Method):
    """Repeat every pixel; the floor of every table."""

    name = "nearest"
    title = "Nearest neighbour"

    @dataclass(frozen=True)
    class Options:
        """There is nothing to choose."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def assets(self) -> Sequence[Asset | Path]:
        """Return nothing: there are no weights."""
        return ()

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Accept everything."""
        return None

    def load(self, device: torch.device) -> None:
        """Read nothing."""

    def restore(self, batch: Batch) -> Restored:
        """Repeat every pixel factor x factor times."""
        rows = batch.lr.repeat_interleave(batch.factor, dim=2)
        return Restored(rows.repeat_interleave(batch.factor, dim=3))
