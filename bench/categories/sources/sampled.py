"""Images drawn from a bank with the held-out stream of random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from bench.assets.declare import Asset
from bench.base.errors import UsageError
from bench.base.seeds import Domain
from bench.base.source import MOST_IMAGES, Source
from bench.base.types import Pixels
from bench.images.degradation import quantise
from bench.registry.banks import bank_assets, load_bank

if TYPE_CHECKING:
    from torch import Tensor

    from bench.base.bank import Bank


@dataclass(frozen=True)
class SampledSource(Source):
    """The first images of a bank's held-out stream, named by their number.

    They are computed in float64: in float32 one value in 50,000 changes with the processor's instructions and the
    number of threads, in float64 none did, so the published digests hold on any machine.

    Args:
        bank: its name.
        count: how many images there are.
        truncation: how far latents go from their mean, 1 for all the way.
    """

    name = "sampled"
    default_count = 4

    bank: str
    count: int
    truncation: float

    def __post_init__(self) -> None:
        if not (1 <= self.count <= MOST_IMAGES and abs(self.truncation) <= 1):
            got = f"count {self.count} and truncation {self.truncation}"
            expected = f"1 to {MOST_IMAGES:,} images, and a truncation from -1 to 1"
            raise UsageError(f"images sampled from bank {self.bank}", got=got, expected=expected)

    def names(self) -> Sequence[str]:
        """Return the numbers."""
        return [f"{index:04d}" for index in range(self.count)]

    def read(self, name: str) -> Pixels:
        """Draw one image; the bank is read once a process."""
        import torch

        bank = _load(self.bank)
        with torch.inference_mode():
            latents = bank.sample([int(name)], Domain.HELD_OUT, self.truncation)
            image = bank.synthesise(latents.double()).image
        whole = cast("Tensor", image)[0].double()  # nothing was stopped early, so there is an image
        return quantise((whole.numpy().transpose(1, 2, 0) + 1) / 2)

    def assets(self) -> Sequence[Asset]:
        """Return the bank's files."""
        return [file for file in bank_assets(self.bank) if isinstance(file, Asset)]


@lru_cache(maxsize=1)
def _load(name: str) -> Bank:
    import torch

    bank = load_bank(name)
    bank.to(torch.float64)
    return bank
