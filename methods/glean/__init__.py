"""GLEAN (Chan et al. 2021, arXiv 2012.00739): a pretrained generator as a latent bank, one forward pass.

Two forms under one name: the network that this project trained over a small bank and ships, and the published one
over StyleGAN2 when `weights` names an official file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Method, Needs, Restored, Size
from methods.glean.forms import FAITHFUL, SHARP, EmbeddedForm, PublishedForm, form_of

if TYPE_CHECKING:
    import torch


class Glean(Method):
    """Restore faces in one pass with a GLEAN; the shipped one unless other weights are named."""

    name = "glean"
    options: Options

    @dataclass(frozen=True)
    class Options:
        """Which weights (`sharp`, `faithful`, one of `bench train glean`, an official one), over which bank."""

        weights: str = SHARP
        bank: str = "mobilestylegan"

    @cached_property
    def _form(self) -> EmbeddedForm | PublishedForm:
        return form_of(self.options.weights, self.options.bank)

    @property
    def needs(self) -> Needs:
        """What a worker must have: the published network is 27 times as large as the shipped one."""
        return Needs(memory_mb=self._form.memory_mb)

    @property
    def title(self) -> str:
        """Whose weights these are."""
        titles = {SHARP: "GLEAN", FAITHFUL: "GLEAN (faithful)"}
        return titles.get(self.options.weights, f"GLEAN, {self._form.path.stem}")

    @property
    def kind(self) -> str | None:
        """What the weights are for."""
        return self._form.kind

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The data sets that its weights or its bank have seen."""
        return self._form.trained_on

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """The metrics whose network the training used."""
        return self._form.training_metrics

    @property
    def notes(self) -> str:
        """How this departs from the publication."""
        return self._form.notes

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight file and, for the embedded form, the bank's files.

        Raises:
            UsageError: when there is no such file.
        """
        return self._form.assets()

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse every size that the weights were not trained for."""
        if lr_size[0] != lr_size[1]:
            return f"glean restores square images, this LR is {lr_size[1]}x{lr_size[0]}"
        if None not in (category.kind, self.kind) and category.kind != self.kind:
            return f"its weights are for {self.kind}, this category shows {category.kind}"
        return self._form.incompatibility_reason(lr_size[0], hr_size[0], factor)

    def load(self, device: torch.device) -> None:
        """Read the bank and the weights.

        Raises:
            AssetError: when a file cannot be had, is damaged, or is for another bank.
        """
        self._network, self._bank = self._form.load(device)  # a worker counts the parameters of both

    def restore(self, batch: Batch) -> Restored:
        """Run the network once.

        Raises:
            MethodError: when the LR is not of the size that the weights are for.
        """
        import torch

        with torch.inference_mode():
            image = self._form.run(self._network, batch.lr * 2 - 1, batch.factor)
        return Restored(((image + 1) / 2).clamp(0, 1))
