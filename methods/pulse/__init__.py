"""PULSE: search a bank for an image that shrinks to the LR (Menon et al., CVPR 2020, arXiv:2003.03808)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench import Asset, Batch, Category, Method, Needs, Restored, Size
from methods.shared.inversion import class_label, incompatibility_reason, restore_each

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Pulse(Method):
    """Search a face generator for an image that shrinks to the LR image."""

    name = "pulse"
    needs = Needs(memory_mb=1700)
    notes = (
        "The published search with the suite's own LR operator, on another generator (MobileStyleGAN, not "
        "StyleGAN); an image that misses eps is kept, and recorded as missed_eps. search=surrogate walks the "
        "published steps at low resolution, from the best of 64 random faces, and then corrects itself against "
        "the whole generator; search=full is the paper's."
    )

    @dataclass(frozen=True)
    class Options:
        """Steps of the search, the wanted mean squared LR error, the bank, and where the steps look."""

        steps: int = 100
        eps: float = 2e-3
        bank: str = "mobilestylegan"
        search: Literal["surrogate", "full"] = "surrogate"
        label: int = -1
        """The number of the class, for a bank that has classes."""

        def __post_init__(self) -> None:
            if self.steps < 1 or self.eps < 0:
                raise ValueError(f"steps={self.steps} and eps={self.eps} must be at least 1 and 0")

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def title(self) -> str:
        """Say when the search is the published one."""
        return "PULSE (paper)" if self.options.search == "full" else "PULSE"

    @property
    def kind(self) -> str | None:
        """Say what its bank shows, as far as that is known before the bank is read."""
        from methods.shared import banks

        return banks.about(self.options.bank).kind

    def assets(self) -> Sequence[Asset | Path]:
        """Return the files of the bank.

        Raises:
            UsageError: when there is no such bank.
        """
        from methods.shared import banks

        return banks.assets(self.options.bank)

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse what the bank cannot make, and LR images too large for the surrogates."""
        from methods.shared import banks

        bank = self.options.bank
        if reason := incompatibility_reason(self.name, bank, lr_size, hr_size, category, label=self.options.label):
            return reason
        if self.options.search == "surrogate" and lr_size[0] > banks.about(bank).surrogate:
            return f"no surrogate of the bank {bank} reaches an LR of {lr_size[0]} pixels; use search=full"
        return None

    def load(self, device: torch.device) -> None:
        """Read the bank and fit the prior to it.

        Raises:
            AssetError: when its files cannot be had.
        """
        from methods.pulse import space
        from methods.shared import banks

        self._bank = banks.load(self.options.bank, device)
        self._prior = space.fit(self._bank)

    def restore(self, batch: Batch) -> Restored:
        """Search for each image alone.

        Raises:
            MethodError: when the bank makes images of another size.
        """
        from methods.pulse.search import Task, run

        options, label = self.options, class_label(self.options.label)

        def one(lr: Tensor, seed: int) -> tuple[Tensor, dict[str, float]]:
            task = Task(lr, seed, options.steps, options.eps, label)
            return run(self._bank, self._prior, task, options.search)

        return restore_each(batch, self._bank, one)
