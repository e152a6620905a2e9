"""Bicubic interpolation with the kernel that made the LR image: MATLAB's `imresize`, a = -0.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.assets.declare import Asset
from bench.base.types import Batch, Category, Restored, Size
from methods.shared.networks.cascade import enlarge

if TYPE_CHECKING:
    import torch


class Bicubic:
    """Interpolate with MATLAB's bicubic kernel."""

    name = "bicubic"
    title = "Bicubic"

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
        """Enlarge by the factor in one step."""
        height, width = batch.lr.shape[-2:]
        return Restored(enlarge(batch.lr, height * batch.factor, width * batch.factor))
