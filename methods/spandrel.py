"""Any network that `spandrel` recognises, from a weight file: dozens of published SR architectures."""

# `from spandrel import ...` in `methods.shared.networks.checkpoint` is the installed package: imports here are absolute, and this
# module is only ever `methods.spandrel`.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Method, Restored, Size, UsageError
from methods.shared.networks import cascade, checkpoint

if TYPE_CHECKING:
    import torch


class Spandrel(Method):
    """Run any network that spandrel recognises in a cascade: spandrel:WEIGHTS."""

    name = "spandrel"
    notes = (
        "In a cascade up to the factor; what no whole pass covers is enlarged by the protocol's bicubic kernel."
    )

    @dataclass(frozen=True)
    class Options:
        """The weight file: .pth, .pt, .ckpt or .safetensors."""

        weights: Path | None = None

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def title(self) -> str:
        """Name the weights, and say that they run in a cascade."""
        return f"{self.options.weights.stem if self.options.weights else self.name}, cascaded"

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight file.

        Raises:
            UsageError: when none was named, or it is not there.
        """
        return (self._weights(),)

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Accept everything: the scale of the network is known once it is loaded."""
        return None

    def load(self, device: torch.device) -> None:
        """Read the network.

        Raises:
            AssetError: when the file cannot be read safely, or holds no network that enlarges RGB images.
        """
        self.network, self._upscaler = checkpoint.load(self._weights(), device)

    def restore(self, batch: Batch) -> Restored:
        """Run the cascade."""
        return Restored(cascade.restore(self._upscaler, batch.lr, batch.factor))

    def _weights(self) -> Path:
        given = self.options.weights
        if given is None or not given.is_file():
            what = "spandrel needs a weight file" if given is None else f"no weight file at {given}"
            raise UsageError(what, expected="spandrel:PATH, a .pth, .pt, .ckpt or .safetensors file")
        return given
