"""mGANprior: several latent codes composed inside a bank (Gu et al., CVPR 2020, arXiv:1912.07116)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import Batch, MethodError, Needs, Restored
from methods.shared.inversion.method import SearchMethod
from methods.shared.networks.perceptual_networks import Network
from methods.shared.presets import Preset

if TYPE_CHECKING:
    import torch


class MGanPrior(SearchMethod):
    """Compose several latent codes of a generator so that the image downsamples to the LR."""

    name = "mganprior"
    group = "search"
    title_prefix = "mGANprior"
    needs = Needs(memory_mb=1500)
    notes = (
        "As published: codes composed at one feature with a weight a channel, L2 and a perceptual distance of the "
        "LR images. Changed: the LR operator is the suite's, not bilinear without antialias; a bank with styles "
        "gets one more code for the layers above the composition; the sum is not divided by the number of codes a "
        "second time. preset=fast composes 5 codes at a quarter of the LR's side, at most at 16 pixels, starts "
        "from the nearest of 128 random ones, and optimises with Adam through surrogates, ever finer ones, that "
        "the full bank corrects; "
        "preset=paper composes 20 random codes at 16 pixels (the authors' command for super-resolution; their "
        "script's default is 30), 2,000 steps of SGD with the full bank. The best image is returned, where the "
        "authors return the last."
    )
    options: Options

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

    def load(self, device: torch.device) -> None:
        """Read the bank and the perceptual network.

        Raises:
            AssetError: when a file cannot be had.
            MethodError: when the bank has no feature to compose at.
        """
        from methods.mganprior import search
        from methods.shared.networks import perceptual_networks

        options = self.options
        super().load(device)
        self._config = search.configure(options.preset, options.codes, options.layer, options.steps)
        if self._config.layer and self._config.layer not in self._bank.channels:
            raise MethodError(
                f"the bank {options.bank} has no feature to compose at",
                got=f"layer={self._config.layer}",
                expected=f"one of {', '.join(map(str, self._bank.channels))}",
            )
        # up to relu3_3, as published
        self._perceptual = perceptual_networks.load(options.perceptual, 16, squared=False, device=device)

    def restore(self, batch: Batch) -> Restored:
        """Search for each image alone.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.mganprior import search

        context = self.context()
        return self.restore_each(batch, lambda lr, seed: search.run(context, lr, seed, self._config))
