"""What the training loop asks of the thing it trains, and what the recipes over a bank share.

A method's own recipe is `methods/NAME/recipe.py`, beside its network.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import Bank
from bench.base import seeds
from methods.shared import weight_files
from methods.shared.training.perceptual_loss import LpipsLoss, PerceptualLoss, lite0
from methods.shared.training.pool import Draw, Pool
from methods.shared.training.sample_grid import SampleGrid, Validation, validate
from methods.shared.training.samples import Samples, read_folder
from methods.shared.training.step import Step
from methods.shared.training.stopwatch import Stopwatch


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
    """Whether the discriminator compares generated images with real ones (ESRGAN), not each with a threshold."""


@dataclass(frozen=True)
class Terms:
    """What one step must minimise."""

    losses: dict[str, Tensor]
    """Named scalars, weights applied."""
    fake: Tensor | None = None
    """In an adversarial stage, what the discriminator sees; with it must come `real`."""
    real: Tensor | None = None


class Recipe(ABC):
    """A network and how it is trained. Random choices follow the `Step` alone, so a run can be resumed.

    Attributes:
        network: what is trained. Parameters that require no gradient are not trained, saved or averaged.
        stages: in their order.
        discriminator: of the adversarial stages.
        adversarial_weight: of the generator's adversarial loss.
        stopwatch: what the parts of a step take.
    """

    network: nn.Module
    stages: Sequence[Stage]
    discriminator: nn.Module | None = None
    adversarial_weight: ClassVar[float]
    stopwatch = Stopwatch()

    @property
    @abstractmethod
    def identity(self) -> str:
        """What is trained, in words that change with everything that a state depends on."""

    def place(self, device: torch.device) -> None:  # noqa: B027 (nothing, unless there is something to move)
        """Move what the network does not own (its bank, a loss network) to a device."""

    def begin(self) -> None:  # noqa: B027 (nothing, unless there is something to fit)
        """Do what must be done once, before the first step of a training that starts from nothing."""

    @abstractmethod
    def terms(self, network: nn.Module, stage: Stage, step: Step) -> Terms:
        """Return the losses of one step.

        Args:
            network: the recipe's network as the loop wraps it.
            stage: the stage.
            step: where the training stands.
        """

    @abstractmethod
    def validate(self, stage: Stage) -> SampleGrid:
        """Restore the validation images with the network's present weights."""

    @abstractmethod
    def export(self, weights: dict[str, Tensor], path: Path, history: Mapping[str, Any]) -> None:
        """Write the weight file.

        Args:
            weights: the averaged ones.
            path: of the file.
            history: the `steps`, `images` and `seconds` so far, and the `stage`.
        """


@dataclass
class BankRecipe(Recipe):
    """A recipe whose images are samples of a bank, with a user's photographs among them.

    A subclass names its network's type, its stages and the weights of its losses.
    """

    network: nn.Module
    pool: Pool
    validation: Samples
    perceptual_loss: PerceptualLoss = field(default_factory=lite0)
    stages: Sequence[Stage] = ()
    discriminator: nn.Module | None = None
    history: dict[str, object] = field(default_factory=dict)
    """What the weight file shall say of the training beside its steps."""
    fresh: bool = True
    """Whether the network has no weights yet but random ones."""
    crop_loss: LpipsLoss | PerceptualLoss | None = None
    """Of the stages that look at crops of the result's own size; None where there is none."""

    pixel_weight: ClassVar[float] = 1.0
    perceptual_weight: ClassVar[float] = 1.0

    @property
    def bank(self) -> Bank:
        """The frozen bank."""
        return self.pool.samples.bank

    @property
    def sides(self) -> tuple[int, ...]:
        """The LR sides."""
        return self.pool.samples.sides

    def place(self, device: torch.device) -> None:
        """Move the bank and the loss network to a device."""
        cast(nn.Module, self.bank).to(device)
        self.perceptual_loss.to(device)
        if self.crop_loss is not None:
            self.crop_loss.to(device)

    def draw(self, stage: Stage, step: Step, size: int) -> Draw:
        """Return the images of one step, HR of `size` pixels; the LR sides take turns."""
        with self.stopwatch("samples"):
            return self.pool.draw(step, stage.batch, self.sides[step.number % len(self.sides)], size)

    def pixel_loss(self, image: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute difference."""
        return F.l1_loss(image, target)

    def image_losses(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Return the pixel losses and then the perceptual losses of images and their targets, weighted.

        Args:
            pairs: image and target, each (N, 3, h, h) in [-1, 1], by what their losses' names begin with.
        """
        return self.pixel_losses(pairs) | self.perceptual_losses(pairs)

    def pixel_losses(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Return the first half of `image_losses`."""
        return {f"{name}pixel": self.pixel_weight * self.pixel_loss(*pair) for name, pair in pairs.items()}

    def perceptual_losses(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Return the second half of `image_losses`."""
        weight, loss = self.perceptual_weight, self.perceptual_loss
        return {f"{name}perceptual": weight * loss(*pair) for name, pair in pairs.items()}

    def validate(self, stage: Stage) -> SampleGrid:
        """Restore validation samples for every LR side."""
        size = self.image_size(stage)
        return validate(self.validation, reversed(self.sides), size, partial(self.restore, size=size), self.scores)

    @abstractmethod
    def image_size(self, stage: Stage) -> int:
        """Return the side at which a stage's validation images are compared."""

    def restore(self, lr: Tensor, size: int) -> Tensor:
        """Return the network's images (N, 3, size, size) of LR images (N, 3, h, h), one at a time."""
        return torch.cat([self.network(one[None], size).image for one in lr])

    def scores(self, images: Validation) -> dict[str, float]:
        """Return PSNR in dB, what it gains on bicubic, and the perceptual loss."""
        distance = float(self.perceptual_loss(images.restored, images.hr))
        return {"psnr": images.psnr, "gain": images.gain, "perceptual": distance}

    def export(self, weights: dict[str, Tensor], path: Path, history: Mapping[str, Any]) -> None:
        """Write the weights in half precision, with everything that is needed to read them."""
        metrics = self.contaminated_metrics(str(history["stage"]))
        whole = {**self.history, **history, weight_files.SAMPLES: self.pool.end(history["images"])}
        self.write(path, weights, weight_files.add_training_metrics(whole, metrics))

    def contaminated_metrics(self, stage: str) -> Sequence[str]:
        """Return the metrics whose network the training has used, up to and with a stage."""
        losses = [self.perceptual_loss, self.crop_loss if stage in FULL_STAGES else None]
        return [name for loss in losses if loss is not None for name in loss.contaminated_metrics]

    @abstractmethod
    def write(self, path: Path, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
        """Write the method's own weight file."""


FULL_STAGES = ("full", "adversarial")
"""The stages that look at crops of the result's own size."""
FIRST_SAMPLES = 1024
"""What the linear guess of the latents is fitted to."""


class TrainingData(NamedTuple):
    """What a training over a bank draws from, and how the history in its weight file begins."""

    pool: Pool
    validation: Samples
    history: dict[str, object]


def open_data(  # noqa: PLR0917 (each is a part of one training)
    network: nn.Module,
    bank: Bank,
    size: int,
    sides: tuple[int, ...],
    data: Path | None,
    out: Path,
    start: Path | None,
    read_metadata: Callable[[Path], Any],
    *,
    keep_full: bool = False,
) -> TrainingData:
    """Put the weights that a training goes on from into its network; open a bank's samples and the photographs.

    Args:
        network: what is trained.
        bank: the bank.
        size: the side that HR is averaged down to.
        sides: the LR sides.
        data: a folder of photographs.
        out: the training's folder, which keeps the samples.
        start: the weight file that it goes on from.
        read_metadata: reads what that file says of itself.
        keep_full: whether the samples are kept at the bank's own size, too.

    Raises:
        UsageError: when the folder holds no image.
        ImageError: when one cannot be read, or is too small.
        AssetError: when the weight file cannot be read, or is not the network's.
    """
    if start is not None:
        weight_files.load(network, start)
    photographs = () if data is None else read_folder(data, bank.resolution, size, sides)
    history = weight_files.initial_history(start, read_metadata, len(photographs))
    samples = Samples(bank, size, sides, out / "pool", keep_full=keep_full)
    # A training that goes on has its linear guess, which wants many samples at once, and starts with few.
    first = FIRST_SAMPLES if start is None else FIRST_SAMPLES // 4
    pool = Pool(samples, photographs, first=first, past=weight_files.drawn_samples(history))
    validation = Samples(bank, size, sides, out / "validation", seeds.Domain.VALIDATION)
    return TrainingData(pool, validation, history)
