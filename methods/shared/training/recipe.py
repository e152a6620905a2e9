"""What the training loop asks of the thing it trains. A method's recipe lives beside its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Stage:
    """One stretch of training with one optimiser and one cosine schedule."""

    name: str
    steps: int
    batch: int
    """Images a process and step."""
    rate: float
    """The learning rate of Adam after warming up."""
    adversarial: bool = False
    relativistic: bool = False
    """Whether the discriminator compares made images with real ones (ESRGAN), not each with a threshold."""


@dataclass(frozen=True)
class Terms:
    """What one step must minimise."""

    losses: dict[str, Tensor]
    """Named scalars, weights applied."""
    fake: Tensor | None = None
    """In an adversarial stage, what the discriminator judges; with it must come `real`."""
    real: Tensor | None = None


@dataclass(frozen=True)
class Sheet:
    """What a training shows of itself."""

    rows: Sequence[Tensor]
    """Images in [-1, 1], (N, 3, H, W), a row each."""
    scores: dict[str, float] = field(default_factory=dict)


class Recipe(Protocol):
    """A network and how it is trained. Random choices follow the step's number alone, so a run can be resumed."""

    discriminator: nn.Module | None
    adversarial_weight: float
    stages: Sequence[Stage]

    @property
    def identity(self) -> str:
        """What is trained, in words that change with everything that a state depends on."""
        ...

    @property
    def network(self) -> nn.Module:
        """What is trained. Parameters that require no gradient are not trained, saved or averaged."""
        ...

    def place(self, device: torch.device) -> None:
        """Move what the network does not own (its bank, a loss network) to a device."""
        ...

    def begin(self) -> None:
        """Do what must be done once, before the first step of a training that starts from nothing."""
        ...

    def terms(self, network: nn.Module, stage: Stage, step: int, shard: tuple[int, int]) -> Terms:
        """Return the losses of one step.

        Args:
            network: the recipe's network as the loop wraps it.
            stage: the stage.
            step: the step since the training began, all stages together.
            shard: this process's number and how many there are.
        """
        ...

    def show(self, stage: Stage) -> Sheet:
        """Restore the validation images with the network's present weights."""
        ...

    def export(self, weights: dict[str, Tensor], path: Path, history: dict[str, object]) -> None:
        """Write the file that is shipped."""
        ...
