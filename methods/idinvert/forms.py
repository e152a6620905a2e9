"""The two forms of idinvert: with an encoder of this project, and with a published one. Imported without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, AssetError, Size, UsageError
from methods.idinvert import released, weightfile
from methods.shared import weight_files

if TYPE_CHECKING:
    from torch import nn

    from bench import Bank

EMBEDDED = "embedded"
SHIPPED = Path(__file__).parent / "weights" / "idinvert-mobilestylegan.safetensors"


class _Form:
    """What depends on the encoder's file.

    Args:
        weights: the option, as the user wrote it.
        path: the file that it means.
    """

    def __init__(self, weights: str, path: Path) -> None:
        self.weights, self.path = weights, path

    def weight_file(self) -> Asset | Path:
        """Return the encoder's file.

        Raises:
            UsageError: when there is no such file.
        """
        if not self.path.is_file():
            raise UsageError(
                f"no weight file of idinvert at {self.path}",
                expected=f"`{EMBEDDED}`, a file, or one of {', '.join(released.RELEASED)}",
                remedy=released.remedy(self.path.name),
            )
        return self.path


class EmbeddedForm(_Form):
    """An encoder of `bench train idinvert`: the shipped one, or the user's own."""

    memory_mb = 1500
    title = "In-domain inversion"
    notes = "the encoder reads the LR and was trained on the bank's samples, without batch normalisation."

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """What the weight file says."""
        if not self.path.is_file():
            return ()
        return weight_files.training_metrics(weightfile.read_metadata(self.path).history)

    def incompatibility_reason(self, lr_size: Size, bank: str) -> str | None:
        """Refuse an encoder of another bank, and an LR larger than the encoder's."""
        if reason := weightfile.incompatibility_reason(self.path, bank):
            return reason
        if max(lr_size) <= weightfile.SIDE:
            return None
        size = f"{lr_size[1]}x{lr_size[0]}"
        return f"idinvert's encoder reads an LR of at most {weightfile.SIDE} pixels, this one is {size}"

    def load(self, bank: Bank) -> nn.Module:
        """Read our own file."""
        return weightfile.read(self.path, bank)

    def weight_file(self) -> Asset | Path:
        """Return the file; one that should be shipped and is not is missing for good."""
        if self.weights == EMBEDDED and not self.path.is_file():
            raise AssetError(
                "no encoder of idinvert is shipped",
                expected=str(SHIPPED.name),
                remedy="train one with `bench train idinvert --out FOLDER` and name it: "
                "idinvert[weights=FOLDER/weights.safetensors]",
            )
        return super().weight_file()


class PublishedForm(_Form):
    """A released encoder, by its name or as a file in its layout."""

    memory_mb = 2400
    """A file of the released sizes takes 2,180 while it is read and an image of 256 pixels restored (steps=3)."""
    title = "In-domain inversion, published encoder"
    notes = "the published encoder reads the LR enlarged by the protocol's kernel."

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """VGG16's: it was part of the published training."""
        from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS

        return CONTAMINATED_METRICS["vgg16"]

    def incompatibility_reason(self, lr_size: Size, bank: str) -> str | None:
        """Refuse a bank that the encoder is not for; every LR is enlarged to its side."""
        return released.incompatibility_reason(self.path.name, bank)

    def load(self, bank: Bank) -> nn.Module:
        """Read a file in the official layout."""
        from methods.idinvert import published

        return published.load(self.weights, bank)

    def weight_file(self) -> Asset | Path:
        """Return the declared file of a released name, otherwise the user's."""
        release = released.RELEASED.get(self.weights)
        return super().weight_file() if release is None else release.asset


def form_of(weights: str) -> EmbeddedForm | PublishedForm:
    """Return the form that a value of the option `weights` means: ours for a file of our format."""
    path = SHIPPED if weights == EMBEDDED else Path(weights).expanduser()
    return (EmbeddedForm if weight_files.is_ours(path) else PublishedForm)(weights, path)
