"""mGANprior: several latent codes composed inside a bank (Gu et al., CVPR 2020, arXiv:1912.07116)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Method, MethodError, Needs, Restored, Size
from methods.shared.inversion import Preset, class_label, incompatibility_reason, restore_each
from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS, Network

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class MGanPrior(Method):
    """Compose several latent codes of a generator so that the image shrinks to the LR."""

    name = "mganprior"
    needs = Needs(memory_mb=1500)
    notes = (
        "As published: codes composed at one feature with a weight a channel, L2 and a perceptual distance of the "
        "LR images. Changed: the LR operator is the suite's, not bilinear without antialias; a bank with styles "
        "gets one more code for the layers above the composition; the sum is not divided by the number of codes a "
        "second time. preset=fast composes 5 codes at 16 pixels, begun at the nearest of 128 random ones, and "
        "walks with Adam through surrogates, ever finer ones, that the whole bank corrects; "
        "preset=paper composes 30 random codes at 16 pixels, 2,000 steps of SGD with the whole bank."
    )

    @dataclass(frozen=True)
    class Options:
        """The preset, the bank, and the perceptual network of the loss (the paper's is vgg16)."""

        preset: Preset = "fast"
        bank: str = "mobilestylegan"
        perceptual: Network = "lite0"
        codes: int = 0
        """0: as the preset has it, as with `layer` and `steps`."""
        layer: int = 0
        """The resolution of the feature at which the codes are composed."""
        steps: int = 0
        label: int = -1
        """The number of the class, for a bank that has classes."""

        def __post_init__(self) -> None:
            if min(self.codes, self.layer, self.steps) < 0:
                raise ValueError(
                    f"codes={self.codes}, layer={self.layer}, steps={self.steps} must not be negative"
                )

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def title(self) -> str:
        """Say which preset ran."""
        return f"mGANprior ({self.options.preset})"

    @property
    def kind(self) -> str | None:
        """Say what its bank shows, as far as that is known before the bank is read."""
        from methods.shared import banks

        return banks.about(self.options.bank).kind

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """Name the metrics whose network is part of the loss."""
        return CONTAMINATED_METRICS[self.options.perceptual]

    def assets(self) -> Sequence[Asset | Path]:
        """Return the files of the bank and of the perceptual network.

        Raises:
            UsageError: when there is no such bank.
        """
        from methods.shared import banks
        from methods.shared.networks import perceptual_networks as perceptual

        return (*banks.assets(self.options.bank), *perceptual.assets(self.options.perceptual))

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse what the bank cannot make."""
        label = self.options.label
        return incompatibility_reason(self.name, self.options.bank, lr_size, hr_size, category, label=label)

    def load(self, device: torch.device) -> None:
        """Read the bank and the perceptual network.

        Raises:
            AssetError: when a file cannot be had.
            MethodError: when the bank has no feature to compose at.
        """
        from methods.mganprior import search
        from methods.shared import banks
        from methods.shared.networks import perceptual_networks as perceptual

        given = self.options
        self._plan = search.plan(given.preset, given.codes, given.layer, given.steps)
        self._bank = banks.load(given.bank, device)
        if self._plan.layer not in self._bank.channels:
            raise MethodError(
                f"the bank {given.bank} has no feature to compose at",
                got=f"layer={self._plan.layer}",
                expected=f"one of {', '.join(map(str, self._bank.channels))}",
            )
        # up to relu3_3, as published
        self._perceptual = perceptual.load(self.options.perceptual, 16, squared=False, device=device)

    def restore(self, batch: Batch) -> Restored:
        """Search for each image alone.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.mganprior import search

        label = class_label(self.options.label)
        scene = search.Scene(self._bank, self._perceptual, self.options.perceptual, label)

        def one(lr: Tensor, seed: int) -> tuple[Tensor, dict[str, float]]:
            return search.run(scene, lr, seed, self._plan)

        return restore_each(batch, self._bank, one)
