"""The two forms of GLEAN: over a small bank with this project's weights, and as published. Without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import Asset, MethodError, UsageError
from methods.glean import weightfile
from methods.glean.released import RELEASED
from methods.shared import banks, weight_files

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

SHARP, FAITHFUL = "sharp", "faithful"
SHIPPED = {name: Path(__file__).parent / "weights" / f"glean-{name}.safetensors" for name in (SHARP, FAITHFUL)}


class _Form:
    """What depends on the weight file.

    Args:
        weights: the option, as the user wrote it.
        bank: the option.
        path: the file that `weights` means.
    """

    def __init__(self, weights: str, bank: str, path: Path) -> None:
        self.weights, self.bank, self.path = weights, bank, path

    def assets(self) -> tuple[Asset | Path, ...]:
        """Return the files.

        Raises:
            UsageError: when the weight file is not there.
        """
        if not self.path.is_file():
            raise UsageError(f"no weight file of glean at {self.path}", expected=f"{', '.join(SHIPPED)} or a file")
        return (self.path,)


class EmbeddedForm(_Form):
    """A network of `bench train glean` over a bank: the shipped one, or the user's own."""

    memory_mb = 1300

    @property
    def kind(self) -> str | None:
        """What the bank shows."""
        return banks.metadata(self.bank).kind

    @property
    def trained_on(self) -> tuple[str, ...]:
        """What the bank has seen."""
        return banks.data_sets(self.bank)

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """What the weight file says."""
        return weight_files.training_metrics(weightfile.read_metadata(self.path).history)

    @property
    def notes(self) -> str:
        """How small the network is, and what it was trained on."""
        metadata = weightfile.read_metadata(self.path)
        millions = weight_files.count_parameters(self.path) / 1e6
        factors = ", ".join(f"{factor}x" for factor in metadata.factors)
        middle = 4 * metadata.resolution // min(metadata.factors)
        return (
            f"The paper's three parts in {millions:.1f} million trained parameters (its 16x network has 145), one "
            f"network for {factors} over {metadata.bank}{_trained_on(metadata)}. Above {middle} pixels the detail "
            "is the bank's own, weighted pixel by pixel. The last layer moves the result to the nearest image "
            "that the protocol shrinks to the LR."
        )

    def incompatibility_reason(self, lr_side: int, hr_side: int, factor: int) -> str | None:
        """Refuse another factor or size than those of the training."""
        metadata = weightfile.read_metadata(self.path)
        if factor not in metadata.factors:
            return f"its weights are for the factors {', '.join(map(str, metadata.factors))}"
        if hr_side != metadata.resolution:
            return f"its bank makes {metadata.resolution} pixels, not {hr_side}"
        return None

    def load(self, device: torch.device) -> tuple[nn.Module, nn.Module | None]:
        """Return the network, frozen, and its bank, which is not one of its modules."""
        bank = banks.load(self.bank, device)
        return weightfile.read(self.path, bank).to(device), bank

    def run(self, network: Any, lr: Tensor, factor: int) -> Tensor:
        """Run the network."""
        return network(lr).image

    def assets(self) -> tuple[Asset | Path, ...]:
        """Return the weight file and the bank's files."""
        return (*super().assets(), *banks.assets(self.bank))


class PublishedForm(_Form):
    """A released file, by its name or path, or another file in its layout."""

    memory_mb = 2700
    """The released 64 to 1024 takes 2,593 while it reads its file and restores one image."""
    notes = "The published network and weights."

    def __init__(self, weights: str, bank: str, path: Path) -> None:
        super().__init__(weights, bank, path)
        self.release = RELEASED.get(path.name)
        """What is known of a released file."""
        self.kind = self.release and self.release.kind
        self.trained_on = self.release.trained_on if self.release else ()

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """That of VGG16: it was part of the published training."""
        from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS

        return CONTAMINATED_METRICS["vgg16"]

    def incompatibility_reason(self, lr_side: int, hr_side: int, factor: int) -> str | None:
        """Refuse other sizes than those of a released file; another file's are known once it is loaded."""
        release = self.release
        if release is None or (release.in_size, release.out_size) == (lr_side, hr_side):
            return None
        return f"its weights are for {release.in_size} to {release.out_size} pixels"

    def load(self, device: torch.device) -> tuple[nn.Module, nn.Module | None]:
        """Return the network, its bank included."""
        from methods.glean import published

        return published.load(self.weights).to(device).requires_grad_(False), None

    def run(self, network: Any, lr: Tensor, factor: int) -> Tensor:
        """Run the network, at its own sizes."""
        got, expected = (lr.shape[-1], lr.shape[-1] * factor), (network.in_size, network.out_size)
        if got != expected:
            texts = [f"{low} to {high}" for low, high in (got, expected)]
            raise MethodError("this GLEAN has other sizes", got=f"{texts[0]} pixels", expected=texts[1])
        return network(lr)

    def assets(self) -> tuple[Asset | Path, ...]:
        """Return the declared file of a released name, otherwise the user's."""
        release = RELEASED.get(self.weights)
        return super().assets() if release is None else (release.asset,)


def form_of(weights: str, bank: str) -> EmbeddedForm | PublishedForm:
    """Return the form that the options mean: the embedded one for a weight file of ours."""
    path = SHIPPED.get(weights) or Path(weights).expanduser()
    return (EmbeddedForm if weight_files.is_ours(path) else PublishedForm)(weights, bank, path)


def _trained_on(metadata: weightfile.Metadata) -> str:
    photographs = metadata.history.get(weight_files.PHOTOGRAPHS)
    if photographs is None:
        return ""
    return f"; trained on the bank's samples {f'and {photographs} photographs' if photographs else 'alone'}"
