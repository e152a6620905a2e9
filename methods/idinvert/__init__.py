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

from bench import Asset, Batch, Category, Needs, Restored, Size
from methods.idinvert.forms import EMBEDDED, EmbeddedForm, PublishedForm, form_of
from methods.shared.inversion.method import SearchMethod
from methods.shared.networks.perceptual_networks import Network
from methods.shared.presets import Preset

if TYPE_CHECKING:
    import torch


class Idinvert(SearchMethod):
    """Encode the LR into the generator's latents, then optimise them inside its domain."""

    name = "idinvert"
    group = "search"
    label = -1
    options: Options

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

    @cached_property
    def _form(self) -> EmbeddedForm | PublishedForm:
        return form_of(self.options.weights)

    @property
    def needs(self) -> Needs:
        """What a worker must have: the published encoder is 90 times as large as the shipped one."""
        return Needs(memory_mb=self._form.memory_mb)

    @property
    def title(self) -> str:
        """The preset, and whose the encoder is."""
        return f"{self._form.title} ({self.options.preset})"

    @property
    def notes(self) -> str:
        """How this departs from the publication."""
        return (
            "The published optimisation from the encoder's latents: pixels, a perceptual distance and the "
            "encoder's own latents of the result. Changed: the repository has no super-resolution, so the pixel "
            "and perceptual losses compare LR images made by the suite's operator, not an enlarged LR with a full "
            f"image; {self._form.notes} preset=fast optimises through surrogates that the full bank corrects; "
            "preset=paper takes the published 100 steps with the full bank. perceptual=vgg16 is "
            "torchvision's, not the authors' own file: its weighted term agrees with theirs to 2.7 %. The best "
            "image is returned, where the authors return the last."
        )

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """The metrics whose network is part of the loss, or of the encoder's training."""
        return tuple(sorted({*super().training_metrics, *self._form.training_metrics}))

    def assets(self) -> Sequence[Asset | Path]:
        """Return the encoder's weights and the files of the bank and the perceptual network.

        Raises:
            AssetError: when no encoder is shipped.
            UsageError: when there is no such file or bank.
        """
        return (self._form.weight_file(), *super().assets())

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse what the encoder does not serve, and what the bank cannot make."""
        reason = self._form.incompatibility_reason(lr_size, self.options.bank)
        return reason or super().supports(lr_size, hr_size, factor, category)

    def load(self, device: torch.device) -> None:
        """Read the bank, the encoder and the perceptual network.

        Raises:
            AssetError: when a file cannot be had, is damaged, or is for another bank.
        """
        from methods.shared.networks import perceptual_networks

        super().load(device)
        self._encoder = self._form.load(self._bank).to(device)
        self._perceptual = perceptual_networks.load(self.options.perceptual, 23, squared=True, device=device)

    def restore(self, batch: Batch) -> Restored:
        """Invert each image alone.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.idinvert import inverting

        config, context = inverting.configure(self.options.preset, self.options.steps), self.context()
        # nothing in it is random
        return self.restore_each(batch, lambda lr, _seed: inverting.run(context, self._encoder, lr, config))
