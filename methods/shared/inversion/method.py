"""The base class of the methods that search a bank for each image alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench import Asset, Batch, Category, Method, MethodError, Restored, Size
from methods.shared import banks

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bench import Bank
    from methods.shared.inversion.context import SearchContext
    from methods.shared.networks.perceptual_networks import Network, Perceptual

RestoreOne = Callable[["Tensor", int], "tuple[Tensor, Mapping[str, float]]"]
"""Restores one LR (1, 3, h, h) in [0, 1] with a seed: the image (1, 3, R, R) and the values to record."""


class SearchMethod(Method):
    """A method that searches the bank that its option `bank` names.

    An adapter sets `title_prefix`, writes `restore` with `restore_each`, and loads its perceptual network after
    the bank. Without an option `preset`, `perceptual` or `label` it overrides `title`, `perceptual_network` or
    `label`.
    """

    title_prefix: ClassVar[str]
    _bank: Bank
    _perceptual: Perceptual

    @property
    def title(self) -> str:
        """The method and its preset."""
        return f"{self.title_prefix} ({self.options.preset})"

    @property
    def perceptual_network(self) -> Network | None:
        """The perceptual network of the loss, None when there is none."""
        return self.options.perceptual

    @property
    def label(self) -> int:
        """The number of the class for a bank with classes, -1 for none."""
        return self.options.label

    @property
    def kind(self) -> str | None:
        """The kind of image that the bank makes, as far as its name says."""
        return banks.metadata(self.options.bank).kind

    @property
    def trained_on(self) -> tuple[str, ...]:
        """What the bank has seen."""
        return banks.data_sets(self.options.bank)

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """The metrics whose network is part of the loss."""
        from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS

        return () if self.perceptual_network is None else CONTAMINATED_METRICS[self.perceptual_network]

    def assets(self) -> Sequence[Asset | Path]:
        """Return the files of the bank and of the perceptual network.

        Raises:
            UsageError: when there is no such bank.
        """
        from methods.shared.networks import perceptual_networks

        files = banks.assets(self.options.bank)
        network = self.perceptual_network
        return files if network is None else (*files, *perceptual_networks.assets(network))

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse what the bank cannot make, as far as that is known before it is read."""
        bank = banks.metadata(self.options.bank)
        if lr_size[0] != lr_size[1]:
            return f"{self.name} restores square images, this LR is {lr_size[1]}x{lr_size[0]}"
        if bank.resolution not in (None, hr_size[0]):
            return f"the bank {self.options.bank} makes {bank.resolution} pixels, not {hr_size[0]}"
        if None not in (category.kind, bank.kind) and category.kind != bank.kind:
            return f"the bank {self.options.bank} makes {bank.kind}, this category shows {category.kind}"
        return banks.class_incompatibility(self.options.bank, self.label)

    def load(self, device: torch.device) -> None:
        """Read the bank.

        Raises:
            AssetError: when its files cannot be had.
        """
        self._bank = banks.load(self.options.bank, device)

    def context(self) -> SearchContext:
        """Return what is the same for every image, once the bank and the perceptual network are loaded."""
        from methods.shared.inversion.context import SearchContext

        return SearchContext(self._bank, self._perceptual, self.options.perceptual, class_label(self.label))

    def restore_each(self, batch: Batch, restore_one: RestoreOne) -> Restored:
        """Restore each image of a batch alone.

        Raises:
            MethodError: when the bank makes images of another size.
        """
        import torch

        side = batch.lr.shape[-1] * batch.factor
        if side != self._bank.resolution:
            raise MethodError(
                f"the bank {self._bank.name} makes images of another size",
                got=self._bank.resolution,
                expected=side,
            )
        with torch.enable_grad():
            results = [
                restore_one(lr, seed) for lr, seed in zip(torch.split(batch.lr, 1), batch.seeds, strict=True)
            ]
        return Restored(torch.cat([sr for sr, _ in results]), [values for _, values in results])


def class_label(number: int) -> Tensor | None:
    """Return the label (1,) of a class by its number, None for the -1 of a bank without classes."""
    import torch

    return None if number < 0 else torch.tensor([number])
