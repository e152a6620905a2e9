"""In-domain inversion: an encoder, and an optimisation that it regularises (Zhu et al., ECCV 2020, 2004.00049).

Two encoders under one name: those that this project trains, one of which it ships, and the published one over
StyleGAN when `weights` names an official file (`methods.idinvert.released` says where those are to be had).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, AssetError, Batch, Category, Method, Needs, Restored, Size, UsageError
from methods.shared import weight_files
from methods.shared.inversion import Preset, incompatibility_reason, restore_each
from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS, Network

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

EMBEDDED = "embedded"
PUBLISHED_MB = 2400
"""A file of the released sizes takes 2,180 while it is read and an image of 256 pixels restored (steps=3)."""
SHIPPED = Path(__file__).parent / "weights" / "idinvert-mobilestylegan.safetensors"


class Idinvert(Method):
    """Encode the LR into the generator's latents, then optimise them inside its domain."""

    name = "idinvert"

    @dataclass(frozen=True)
    class Options:
        """The preset, the encoder, its bank, and the perceptual network (the paper's is vgg16)."""

        preset: Preset = "fast"
        weights: str = EMBEDDED
        """`embedded`, a file of `bench train idinvert`, or an official file by its path or its name."""
        bank: str = "mobilestylegan"
        perceptual: Network = "lite0"
        steps: int = 0
        """0: as the preset has it."""

        def __post_init__(self) -> None:
            if self.steps < 0:
                raise ValueError(f"steps={self.steps} must not be negative")

    def __init__(self, options: Options) -> None:
        self.options = options
        embedded = options.weights == EMBEDDED
        self._path = SHIPPED if embedded else Path(options.weights).expanduser()

    @cached_property
    def _is_published(self) -> bool:
        return self._path.suffix != ".safetensors" or not weight_files.is_ours(self._path)

    @property
    def needs(self) -> Needs:
        """Say what a worker must have: the published encoder is 90 times as large as the shipped one."""
        return Needs(memory_mb=PUBLISHED_MB if self._is_published else 1500)

    @property
    def title(self) -> str:
        """Say which preset ran, and whose the encoder is."""
        whose = ", published encoder" if self._is_published else ""
        return f"In-domain inversion{whose} ({self.options.preset})"

    @property
    def notes(self) -> str:
        """Say how this departs from the publication."""
        encoder = (
            "the published encoder reads the LR enlarged by the protocol's kernel."
            if self._is_published
            else "the encoder reads the LR and was trained on the bank's samples, without batch normalisation."
        )
        return (
            "The published optimisation from the encoder's latents: pixels, a perceptual distance and the "
            "encoder's own view of the result. Changed: the repository has no super-resolution, so the pixel and "
            "perceptual losses compare LR images made by the suite's operator, not an enlarged LR with a full "
            f"image; {encoder} preset=fast walks through surrogates that the whole bank corrects; preset=paper "
            "takes the published 100 steps with the whole bank."
        )

    @property
    def kind(self) -> str | None:
        """Say what its bank shows, as far as that is known before the bank is read."""
        from methods.shared import banks

        return banks.about(self.options.bank).kind

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """Name the metrics whose network is part of the loss, or of the encoder's training."""
        return tuple(sorted({*CONTAMINATED_METRICS[self.options.perceptual], *self._marks()}))

    def _marks(self) -> tuple[str, ...]:
        from methods.idinvert import weightfile

        if self._is_published:
            return CONTAMINATED_METRICS["vgg16"]
        return weight_files.marks(weightfile.about(self._path).history) if self._path.is_file() else ()

    def assets(self) -> Sequence[Asset | Path]:
        """Return the encoder's weights and the files of the bank and the perceptual network.

        Raises:
            AssetError: when no encoder is shipped.
            UsageError: when there is no such file or bank.
        """
        from methods.shared import banks
        from methods.shared.networks import perceptual_networks as perceptual

        bank = banks.assets(self.options.bank)
        return (self._encoder_file(), *bank, *perceptual.assets(self.options.perceptual))

    def _encoder_file(self) -> Asset | Path:
        from methods.idinvert import released

        if self.options.weights in released.RELEASED:
            return released.RELEASED[self.options.weights].asset
        if not self._path.is_file():
            if self.options.weights == EMBEDDED:
                raise AssetError(
                    "no encoder of idinvert is shipped",
                    expected=str(SHIPPED.name),
                    remedy="train one with `bench train idinvert --out FOLDER` and name it: "
                    "idinvert[weights=FOLDER/weights.safetensors]",
                )
            raise UsageError(
                f"no weight file of idinvert at {self._path}",
                expected=f"`{EMBEDDED}`, a file, or one of {', '.join(released.RELEASED)}",
                remedy=released.remedy(self._path.name),
            )
        return self._path

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse an encoder of another bank, an LR larger than the encoder's, and what the bank cannot make."""
        reason = self._encoder_refuses(lr_size)
        return reason or incompatibility_reason(self.name, self.options.bank, lr_size, hr_size, category)

    def _encoder_refuses(self, lr_size: Size) -> str | None:
        from methods.idinvert import released, weightfile

        if self._is_published:
            return released.incompatibility_reason(self._path.name, self.options.bank)
        if reason := weightfile.incompatibility_reason(self._path, self.options.bank):
            return reason
        if max(lr_size) <= weightfile.SIDE:
            return None
        size = f"{lr_size[1]}x{lr_size[0]}"
        return f"idinvert's encoder reads an LR of at most {weightfile.SIDE} pixels, this one is {size}"

    def load(self, device: torch.device) -> None:
        """Read the bank, the encoder and the perceptual network.

        Raises:
            AssetError: when a file cannot be had, is damaged, or is for another bank.
        """
        from methods.idinvert import weightfile
        from methods.shared import banks
        from methods.shared.networks import perceptual_networks as perceptual

        self._bank = banks.load(self.options.bank, device)
        self._encoder: nn.Module
        if self._is_published:
            from methods.idinvert import published

            self._encoder = published.load(self.options.weights, self._bank).to(device)
        else:
            self._encoder = weightfile.read(self._path, self._bank).to(device)
        self._perceptual = perceptual.load(self.options.perceptual, 23, squared=True, device=device)

    def restore(self, batch: Batch) -> Restored:
        """Invert each image alone.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.idinvert import inverting

        plan = inverting.plan(self.options.preset, self.options.steps)
        scene = inverting.Scene(self._bank, self._encoder, self._perceptual, self.options.perceptual)

        def one(lr: Tensor, _seed: int) -> tuple[Tensor, dict[str, float]]:
            return inverting.run(scene, lr, plan)  # nothing in it is random

        return restore_each(batch, self._bank, one)
