"""PULSE: search a bank for an image that downsamples to the LR (Menon et al., CVPR 2020, arXiv:2003.03808)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench import Batch, Category, Needs, Restored, Size
from methods.shared.inversion.method import SearchMethod, class_label

if TYPE_CHECKING:
    import torch


class Pulse(SearchMethod):
    """Search a face generator for an image that downsamples to the LR image."""

    name = "pulse"
    group = "search"
    needs = Needs(memory_mb=1700)
    perceptual_network = None
    notes = (
        "The published search with the suite's own LR operator, on another generator (MobileStyleGAN, not "
        "StyleGAN); an image that misses eps is kept, and recorded as missed_eps. search=surrogate goes the "
        "published steps at low resolution, from the best of 64 random faces, and then corrects itself against "
        "the full generator; search=full is the paper's. The prior is fitted on 4,096 samples, where the authors "
        "take 1,000,000: its mean is off by 0.05 and its deviation by 3.6 %. The best image is "
        "returned, where the authors return the last."
    )
    options: Options

    @dataclass(frozen=True)
    class Options:
        """Steps of the search, the mean squared LR error to reach, the bank, and what the steps evaluate."""

        steps: int = 100
        eps: float = 2e-3
        bank: str = "mobilestylegan"
        search: Literal["surrogate", "full"] = "surrogate"
        label: int = -1
        """The number of the class, for a bank that has classes."""

        def __post_init__(self) -> None:
            if self.steps < 1 or self.eps < 0:
                raise ValueError(f"steps={self.steps} and eps={self.eps} must be at least 1 and 0")

    @property
    def title(self) -> str:
        """PULSE, and whether the search is the published one."""
        return "PULSE (paper)" if self.options.search == "full" else "PULSE"

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse what the bank cannot make, and LR images too large for the surrogates."""
        from methods.shared.inversion.context import resolutions_for

        if reason := super().supports(lr_size, hr_size, factor, category):
            return reason
        bank = self.options.bank
        if self.options.search == "surrogate" and resolutions_for(bank, lr_size[0]) is None:
            return f"no surrogate of the bank {bank} is for an LR of {lr_size[0]} pixels; use search=full"
        return None

    def load(self, device: torch.device) -> None:
        """Read the bank and fit the prior to it.

        Raises:
            AssetError: when its files cannot be had.
        """
        from methods.pulse import space

        super().load(device)
        self._prior = space.fit(self._bank)

    def restore(self, batch: Batch) -> Restored:
        """Search for each image alone.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.pulse import search

        options = self.options
        context = search.PulseContext(self._bank, self._prior, class_label(self.label))
        config = search.SearchConfig(options.steps, options.eps, options.search)
        return self.restore_each(batch, lambda lr, seed: search.run(context, lr, seed, config))
