"""ESRGAN+: ESRGAN (Wang et al. 2018, arXiv:1809.00219) enlarged to GLEAN's cost and trained at the factor itself.

The rival of that name in the GLEAN paper; not the ESRGAN+ of Rakotonirina and Rasoanaivo (2020), a 4x network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, AssetError, Batch, Category, Method, Needs, Restored, Size, UsageError
from methods.esrgan_plus import weightfile
from methods.shared import weight_files

if TYPE_CHECKING:
    import torch

FOLDER = Path(__file__).parent / "weights"
SHIPPED = {"embedded": FOLDER / "esrgan-plus.safetensors"}


class EsrganPlus(Method):
    """Restore in one pass with an ESRGAN trained at the factor, at GLEAN's cost."""

    name = "esrgan+"
    options: Options
    needs = Needs(memory_mb=1300)
    notes = (
        "The GLEAN paper's rival, whose weights were never published: an RRDB trunk at the LR's size and nearest-"
        "neighbour doublings up to the result, trained with L1 and then with ESRGAN's losses on samples of "
        "the embedded GLEAN's pool, at its number of multiplications. Changed: one network serves three "
        "factors; it adds to the bicubic image and ends, as the embedded GLEAN does, with the nearest image that "
        "shrinks to the LR."
    )

    @dataclass(frozen=True)
    class Options:
        """Which weights: `embedded`, or a file of `bench train esrgan+`."""

        weights: str = "embedded"

    @property
    def _path(self) -> Path:
        return SHIPPED.get(self.options.weights, Path(self.options.weights).expanduser())

    @property
    def title(self) -> str:
        """Whose weights these are."""
        return "ESRGAN+" if self.options.weights in SHIPPED else f"ESRGAN+, {self._path.stem}"

    @property
    def kind(self) -> str | None:
        """What the shipped weights are for."""
        return "faces" if self.options.weights in SHIPPED else None

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """The metrics whose network the training used, as the weight file says."""
        if not self._path.is_file():
            return ()
        return weight_files.training_metrics(weightfile.read_metadata(self._path).history)

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight file.

        Raises:
            AssetError: when none is shipped.
            UsageError: when there is no such file.
        """
        if not self._path.is_file():
            if self.options.weights in SHIPPED:
                raise AssetError(
                    f"no weights of esrgan+ are shipped as {self.options.weights}",
                    expected=self._path.name,
                    remedy="train them with `bench train esrgan+ --out FOLDER` and name them: "
                    "esrgan+[weights=FOLDER/weights.safetensors]",
                )
            names = ", ".join(f"`{name}`" for name in SHIPPED)
            raise UsageError(f"no weight file of esrgan+ at {self._path}", expected=f"{names} or a file")
        return (self._path,)

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse every size that the weights were not trained for."""
        if lr_size[0] != lr_size[1]:
            return f"esrgan+ restores square images, this LR is {lr_size[1]}x{lr_size[0]}"
        if None not in (category.kind, self.kind) and category.kind != self.kind:
            return f"its weights are for {self.kind}, this category shows {category.kind}"
        metadata = weightfile.read_metadata(self._path)
        if hr_size[0] == metadata.resolution and lr_size[0] in metadata.inputs:
            return None
        pairs = ", ".join(f"{side} to {metadata.resolution}" for side in metadata.inputs)
        return f"its weights are for {pairs} pixels, not {lr_size[0]} to {hr_size[0]}"

    def load(self, device: torch.device) -> None:
        """Read the weights.

        Raises:
            AssetError: when the file is damaged or no such file.
        """
        self.network = weightfile.read(self._path).to(device)

    def restore(self, batch: Batch) -> Restored:
        """Run the network once."""
        import torch

        with torch.inference_mode():
            image = self.network(batch.lr * 2 - 1).image
        return Restored(((image + 1) / 2).clamp(0, 1))
