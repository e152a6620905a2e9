"""GLEAN (Chan et al. 2021, arXiv 2012.00739): a pretrained generator as a latent bank, one forward pass.

Two forms under one name: the network that this project trained over a small bank and ships, and the published one
over StyleGAN2 when `weights` names an official file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import Asset, Batch, Category, Method, MethodError, Needs, Restored, Size, UsageError
from methods.shared import banks, weight_files
from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS

if TYPE_CHECKING:
    import torch

    from methods.glean.weightfile import About

EMBEDDED = "embedded"
PUBLISHED_MB = 2700
"""The released 64 to 1024 takes 2,593 while it reads its file and restores one image."""
SHIPPED = Path(__file__).parent / "weights" / "glean-mobilestylegan.safetensors"


class Glean(Method):
    """Restore faces in one pass with a GLEAN; the shipped one unless other weights are named."""

    name = "glean"

    @dataclass(frozen=True)
    class Options:
        """Which weights (`embedded`, a file of `bench train glean`, an official file), over which bank."""

        weights: str = EMBEDDED
        bank: str = "mobilestylegan"

    def __init__(self, options: Options) -> None:
        self.options = options
        self._path = SHIPPED if options.weights == EMBEDDED else Path(options.weights).expanduser()

    @cached_property
    def _is_published(self) -> bool:
        return self._path.suffix != ".safetensors" or not weight_files.is_ours(self._path)

    @property
    def needs(self) -> Needs:
        """Say what a worker must have: the published network is 27 times as large as the shipped one."""
        return Needs(memory_mb=PUBLISHED_MB if self._is_published else 1300)

    @property
    def title(self) -> str:
        """Say whose weights these are."""
        return "GLEAN" if self.options.weights == EMBEDDED else f"GLEAN, {self._path.stem}"

    @property
    def kind(self) -> str | None:
        """Say what the weights are for: a released file's own kind, otherwise what the bank shows."""
        if self._is_published:
            from methods.glean import published

            release = published.RELEASED.get(self._path.name)
            return None if release is None else release.kind
        return banks.about(self.options.bank).kind

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """Name the metrics whose network the training used: VGG16's, or those that the weight file names."""
        return CONTAMINATED_METRICS["vgg16"] if self._is_published else weight_files.marks(self._about().history)

    @property
    def notes(self) -> str:
        """Say how this departs from the publication."""
        if self._is_published:
            return "The published network and weights."
        said, millions = self._about(), weight_files.count(self._path) / 1e6
        factors, middle = ", ".join(f"{one}x" for one in said.factors), 4 * said.resolution // min(said.factors)
        return (
            f"The paper's three parts in {millions:.1f} million trained parameters (its 16x network has 145), one "
            f"network for {factors} over {said.bank}{self._seen(said)}. Above {middle} pixels the detail is the "
            "bank's own, weighted pixel by pixel. The last layer moves the result to the nearest image that the "
            "protocol shrinks to the LR."
        )

    def _seen(self, said: About) -> str:
        unknown = 0 if self.options.weights == EMBEDDED else None  # their card says it
        photographs = said.history.get(weight_files.PHOTOGRAPHS, unknown)
        if photographs is None:
            return ""
        return f"; trained on the bank's samples {f'and {photographs} photographs' if photographs else 'alone'}"

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight file and, for the embedded form, the bank's files.

        Raises:
            UsageError: when there is no such file.
        """
        if self._is_published:
            from methods.glean import published

            if self.options.weights in published.ASSETS:
                return (published.ASSETS[self.options.weights],)
        if not self._path.is_file():
            raise UsageError(f"no weight file of glean at {self._path}", expected=f"`{EMBEDDED}` or a file")
        if self._is_published:
            return (self._path,)
        return (self._path, *banks.assets(self.options.bank))

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse every size that the weights were not trained for."""
        if lr_size[0] != lr_size[1]:
            return f"glean restores square images, this LR is {lr_size[1]}x{lr_size[0]}"
        if None not in (category.kind, self.kind) and category.kind != self.kind:
            return f"its weights are for {self.kind}, this category shows {category.kind}"
        if self._is_published:
            return self._published_supports(lr_size, hr_size)
        said = self._about()
        if factor not in said.factors:
            return f"its weights are for the factors {', '.join(map(str, said.factors))}"
        if hr_size[0] != said.resolution:
            return f"its bank makes {said.resolution} pixels, not {hr_size[0]}"
        return None

    def load(self, device: torch.device) -> None:
        """Read the bank and the weights.

        Raises:
            AssetError: when a file cannot be had, is damaged, or is for another bank.
        """
        self._network: Any
        if self._is_published:
            from methods.glean import published

            self._network = published.load(self.options.weights)
        else:
            from methods.glean import weightfile

            # Kept here too, because the network hides its bank from whoever counts parameters.
            self._bank: Any = banks.load(self.options.bank, device)
            self._network = weightfile.read(self._path, self._bank)
        self._network.to(device).requires_grad_(False).eval()

    def restore(self, batch: Batch) -> Restored:
        """Run the network once.

        Raises:
            MethodError: when the LR is not of the size that the weights are for.
        """
        import torch

        lr = batch.lr * 2 - 1
        with torch.inference_mode():
            made = self._published(lr, batch.factor) if self._is_published else self._network(lr).image
        return Restored(((made + 1) / 2).clamp(0, 1))

    def _about(self) -> About:
        from methods.glean.weightfile import about

        return about(self._path)

    def _published_supports(self, lr_size: Size, hr_size: Size) -> str | None:
        from methods.glean import published

        release = published.RELEASED.get(self._path.name)
        if release is None or (release.in_size, release.out_size) == (lr_size[0], hr_size[0]):
            return None  # a file of one's own says its sizes once it is loaded
        return f"its weights are for {release.in_size} to {release.out_size} pixels"

    def _published(self, lr: torch.Tensor, factor: int) -> torch.Tensor:
        sizes = (self._network.in_size, self._network.out_size)
        if sizes != (lr.shape[-1], lr.shape[-1] * factor):
            raise MethodError(
                "this GLEAN has other sizes",
                got=f"{lr.shape[-1]} to {lr.shape[-1] * factor} pixels",
                expected=f"{sizes[0]} to {sizes[1]}",
            )
        made: torch.Tensor = self._network(lr)
        return made
