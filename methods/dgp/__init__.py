"""Deep generative prior: the generator itself is tuned to the image (Pan et al., ECCV 2020, arXiv:2003.13659)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, Batch, Category, Method, Needs, Restored, Size
from methods.shared.inversion import Preset, class_label, incompatibility_reason, restore_each
from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS, Network

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Dgp(Method):
    """Tune a generator to the LR, from its coarse parameters to its fine ones."""

    name = "dgp"
    needs = Needs(memory_mb=1500)
    notes = (
        "The published relaxed reconstruction: from the nearest of many random images, the latent and more and "
        "more of the generator, coarse to fine, are tuned together. Changed: the published factor is 4, here any; "
        "both LR images come from the suite's operator and are compared as they are, not enlarged first; a bank "
        "without a discriminator is tuned with the features of a named perceptual network. "
        "preset=fast first searches the latent alone, weighs pixels 10 and features 0.02, takes rates in "
        "proportion to each tensor's size and other momenta, tunes through surrogates, ever finer ones, that "
        "the whole bank corrects, and leaves the layers above them as they are; preset=paper runs five stages "
        "of 200 steps with the whole bank, whose weights are those of the released files with their "
        "normalisation folded in, and begins a new Adam at every stage. Where both were run, paper came much "
        "nearer in identity: do not call fast DGP."
    )

    @dataclass(frozen=True)
    class Options:
        """The preset, the bank, and the network whose features stand in for a discriminator's."""

        preset: Preset = "fast"
        bank: str = "mobilestylegan"
        perceptual: Network = "lite0"
        steps: int = 0
        """In all stages together; 0: as the preset has it."""
        label: int = -1
        """The number of the class, for a bank that has classes."""

        def __post_init__(self) -> None:
            if self.steps < 0:
                raise ValueError(f"steps={self.steps} must not be negative")

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def title(self) -> str:
        """Say which preset ran."""
        return f"DGP ({self.options.preset})"

    @property
    def kind(self) -> str | None:
        """Say what its bank shows, as far as that is known before the bank is read."""
        from methods.shared import banks

        return banks.about(self.options.bank).kind

    @property
    def training_metrics(self) -> tuple[str, ...]:
        """Name the metrics whose network may be part of the loss."""
        return () if self._has_discriminator else CONTAMINATED_METRICS[self.options.perceptual]

    @property
    def _has_discriminator(self) -> bool:
        from methods.shared import banks

        return banks.about(self.options.bank).discriminator

    def assets(self) -> Sequence[Asset | Path]:
        """Return the files of the bank and, unless it has a discriminator, of the perceptual network.

        Raises:
            UsageError: when there is no such bank.
        """
        from methods.shared import banks
        from methods.shared.networks import perceptual_networks as perceptual

        bank = banks.assets(self.options.bank)
        return bank if self._has_discriminator else (*bank, *perceptual.assets(self.options.perceptual))

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse what the bank cannot make."""
        label = self.options.label
        return incompatibility_reason(self.name, self.options.bank, lr_size, hr_size, category, label=label)

    def load(self, device: torch.device) -> None:
        """Read the bank and, where it has no discriminator, the perceptual network.

        Raises:
            AssetError: when a file cannot be had.
        """
        from methods.dgp.features import DiscriminatorFeatures
        from methods.shared import banks
        from methods.shared.networks import perceptual_networks as perceptual

        self._bank = banks.load(self.options.bank, device)
        judge = self._bank.discriminator
        self._perceptual = (
            DiscriminatorFeatures(judge, self._bank.resolution)
            if judge is not None
            else perceptual.load(self.options.perceptual, 21, squared=True, device=device)
        )

    def restore(self, batch: Batch) -> Restored:
        """Tune the bank to each image alone; the bank is then exactly as it was.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.dgp import tuning

        plan = tuning.plan(self.options.preset, self.options.steps)
        label = class_label(self.options.label)
        scene = tuning.Scene(self._bank, self._perceptual, label)

        def one(lr: Tensor, seed: int) -> tuple[Tensor, dict[str, float]]:
            image, values = tuning.run(scene, lr, seed, plan)
            return image, values | {"by_discriminator": float(self._bank.discriminator is not None)}

        return restore_each(batch, self._bank, one)
