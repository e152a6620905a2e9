"""Any network that `spandrel` recognises, from a weight file: dozens of published SR architectures."""

# Imports are absolute: `import spandrel` in `methods.shared.networks.checkpoint` is the installed package.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Method, MethodError, Restored, UsageError
from methods.shared.networks import cascade, checkpoint, restorer

if TYPE_CHECKING:
    import torch


class Spandrel(Method):
    """Run any network that spandrel recognises, in a cascade or on the enlarged LR: spandrel:WEIGHTS."""

    name = "spandrel"
    notes = (
        "In a cascade up to the factor; the rest of the factor is bicubic, with the kernel of the LR. A network "
        "that keeps the size of an image is fed the LR, enlarged with that kernel: to HR's size, or to the 512 "
        "pixels of a face network, whose result is then resized to HR's."
    )

    @dataclass(frozen=True)
    class Options:
        """The weight file: .pth, .pt, .ckpt or .safetensors."""

        weights: Path | None = None

    options: Options

    @property
    def title(self) -> str:
        """The file's name."""
        return self.options.weights.stem if self.options.weights else self.name

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight file.

        Raises:
            UsageError: when none was named, or it is not there.
        """
        return (self._weights(),)

    def load(self, device: torch.device) -> None:
        """Read the network.

        Raises:
            AssetError: when the file cannot be read safely, or holds no network from RGB to RGB images.
        """
        self.network, self._upscaler = checkpoint.load(self._weights(), device)

    def restore(self, batch: Batch) -> Restored:
        """Run the cascade, or a network of scale 1 on the enlarged LR.

        Raises:
            MethodError: when the network cannot reach the factor, or takes squares and the LR is none.
        """
        forward, scale, side = self._upscaler
        if scale > 1:
            return Restored(cascade.restore(self._upscaler, batch.lr, batch.factor))
        height, width = batch.lr.shape[-2:]
        if side and height != width:
            raise MethodError("a face network restores square images", got=f"an LR of {width}x{height}")
        return Restored(restorer.restore(forward, batch, side))

    def _weights(self) -> Path:
        path = self.options.weights
        if path is None or not path.is_file():
            what = "spandrel needs a weight file" if path is None else f"no weight file at {path}"
            raise UsageError(what, expected="spandrel:PATH, a .pth, .pt, .ckpt or .safetensors file")
        return path
