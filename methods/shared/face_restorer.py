"""What blind face restorers share: a network that takes and returns an aligned face of 512 pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench import Asset, Batch, Category, Method, Needs, Restored, Size, fetch
from methods.shared.networks import checkpoint, restorer
from methods.shared.networks.cascade import Forward

if TYPE_CHECKING:
    import torch


class FaceRestorer(Method):
    """A face restorer; a subclass names its released files and its network.

    Attributes:
        released: the authors' files, by the name that `weights` takes.
        architecture: spandrel's id of the network.
        trained_for: the factors and degradations of its training, in the words of its title and notes.
        forward: set by `load`; float32 RGB in [0, 1], (1, 3, 512, 512) to the same.
    """

    released: ClassVar[Mapping[str, Asset]] = {}
    architecture: ClassVar[str]
    trained_for: ClassVar[str]
    side: ClassVar[int] = checkpoint.FACE_SIDE
    kind = "faces"
    trained_on = ("FFHQ",)
    forward: Forward

    @property
    def title(self) -> str:
        """Whose weights these are, and what they were trained for."""
        weights = self.options.weights
        return f"{weights if weights in self.released else Path(weights).stem}, trained for {self.trained_for}"

    @property
    def notes(self) -> str:
        """How the network is fed."""
        return (
            f"Trained for {self.trained_for}. The LR is enlarged to {self.side} pixels with the protocol's "
            "bicubic kernel (its authors: OpenCV's bilinear), the result resized to HR's size with the same. "
            "No face is detected or aligned: the category's faces are."
        )

    @property
    def needs(self) -> Needs:
        """The memory of one worker."""
        return Needs(memory_mb=2500)

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight file.

        Raises:
            UsageError: when it is neither a released name nor a file.
        """
        return (checkpoint.named_file(self.name, self.options.weights, self.released),)

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse whatever is no aligned face."""
        if category.kind not in (None, self.kind):
            return f"{self.name} restores {self.kind}, this category shows {category.kind}"
        if lr_size[0] != lr_size[1]:
            return f"{self.name} restores square images, this LR is {lr_size[1]}x{lr_size[0]}"
        return None

    def load(self, device: torch.device) -> None:
        """Read the network.

        Raises:
            AssetError: when the file cannot be had, or holds another network.
        """
        (file,) = self.assets()
        path = fetch(file) if isinstance(file, Asset) else file
        self.network, upscaler = checkpoint.load(path, device, only=self.architecture, **self.network_options)
        self.forward = upscaler.forward

    @property
    def network_options(self) -> Mapping[str, float]:
        """What the network takes beside the image."""
        return {}

    def restore(self, batch: Batch) -> Restored:
        """Enlarge to 512 pixels, run the network, resize to HR's size."""
        return Restored(restorer.restore(self.forward, batch, self.side))
