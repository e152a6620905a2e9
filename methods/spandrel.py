"""Any network that `spandrel` recognises, from a weight file: dozens of published SR architectures."""

# Imports are absolute: `import spandrel` in `methods.shared.networks.checkpoint` is the installed package.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Method, Restored, UsageError
from methods.shared.networks import cascade, checkpoint

if TYPE_CHECKING:
    import torch


class Spandrel(Method):
    """Run any network that spandrel recognises in a cascade: spandrel:WEIGHTS."""

    name = "spandrel"
    notes = "In a cascade up to the factor; the rest of the factor is bicubic, with the kernel of the LR."

    @dataclass(frozen=True)
    class Options:
        """The weight file: .pth, .pt, .ckpt or .safetensors."""

        weights: Path | None = None

    options: Options

    @property
    def title(self) -> str:
        """The file's name."""
        return f"{self.options.weights.stem if self.options.weights else self.name}, cascaded"

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight file.

        Raises:
            UsageError: when none was named, or it is not there.
        """
        return (self._weights(),)

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
        path = self.options.weights
        if path is None or not path.is_file():
            what = "spandrel needs a weight file" if path is None else f"no weight file at {path}"
            raise UsageError(what, expected="spandrel:PATH, a .pth, .pt, .ckpt or .safetensors file")
        return path
