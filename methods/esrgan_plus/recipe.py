"""How ESRGAN+ is trained: L1 at an eighth, a quarter and all of its size, then the losses of ESRGAN and LPIPS.

The stages that look at pictures are those of the embedded GLEAN, step for step and image for image, on the same
pool of samples; what GLEAN learns of latents has no counterpart here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from methods.esrgan_plus import weightfile
from methods.esrgan_plus.network import CropRequest, Enlarged, EsrganPlusNet
from methods.shared import banks
from methods.shared.training.crops import crop_target, draw_box, patch_discriminator, patches, trim_border
from methods.shared.training.perceptual_loss import LpipsLoss, PerceptualLoss
from methods.shared.training.recipe import FULL_STAGES, BankRecipe, Stage, Terms, open_data
from methods.shared.training.step import Step

STAGES = (
    Stage("base", 400_000, 6, 4e-4),
    Stage("middle", 200_000, 4, 4e-4),
    Stage("full", 100_000, 4, 2e-4),
    Stage("adversarial", 100_000, 4, 1e-4, adversarial=True, relativistic=True),
)
"""Steps and batches are those of `methods.glean.recipe.STAGES`; the rates are ESRGAN's, doubled for L1."""


@dataclass
class EsrganPlusRecipe(BankRecipe):
    """The recipe: L1 alone, then ESRGAN's losses and LPIPS; the adversarial weight is GLEAN's."""

    network: EsrganPlusNet
    stages: Sequence[Stage] = STAGES
    crop_loss: LpipsLoss | PerceptualLoss = field(default_factory=LpipsLoss)

    pixel_weight: ClassVar[float] = 1e-2
    adversarial_weight: ClassVar[float] = 3e-2

    @property
    def identity(self) -> str:
        """What is trained."""
        sides = ", ".join(map(str, self.network.inputs))
        what = f"esrgan+ to {self.network.resolution} from {sides}, {self.network.shape}"
        losses = f"{self.perceptual_loss.name}, {self.crop_loss.name}"
        return f"{what}, on {self.bank.name} {self.bank.digest:.8}, {losses}"

    def terms(self, network: nn.Module, stage: Stage, step: Step) -> Terms:
        """Return the losses of one step."""
        size, start = self.image_size(stage), self.network.middle // 2
        draw, box = self.draw(stage, step, size), draw_box(step.number, start)
        with_crop = stage.name in FULL_STAGES and bool(draw.sampled.any())
        result: Enlarged = network(draw.lr, size, CropRequest(draw.sampled, box) if with_crop else None)
        pairs = {"": (result.image, draw.hr)}
        if result.crop is not None:
            target = crop_target(draw, box, start)
            pairs["crop "] = trim_border(result.crop, box), trim_border(target, box)
        if not stage.adversarial:
            return Terms({f"{name}pixel": self.pixel_loss(*pair) for name, pair in pairs.items()})
        losses = self.image_losses(pairs)
        # Only a sample has a target of the result's size, so photographs alone show the discriminator nothing.
        if "crop " not in pairs:
            return Terms(losses)
        fake, real = patches(step.number, *pairs["crop "])
        return Terms(losses | {f"crop {self.crop_loss.name}": self.crop_loss(fake, real)}, fake, real)

    def image_size(self, stage: Stage) -> int:
        """Return the side of a stage's images."""
        return self.network.sizes[0] if stage.name == "base" else self.network.middle

    def contaminated_metrics(self, stage: str) -> Sequence[str]:
        """Return the metrics of the perceptual network once its loss was used."""
        return super().contaminated_metrics(stage) if stage == "adversarial" else ()

    def write(self, path: Path, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
        """Write the weight file."""
        weightfile.write(path, self.network, weights, history)


def recipe(
    bank: str, factors: tuple[int, ...], data: Path | None, out: Path, start: Path | None = None
) -> EsrganPlusRecipe:
    """Set a training up; what is random in it is the same for every training."""
    loaded = banks.load(bank)
    torch.manual_seed(0)
    sides = tuple(loaded.resolution // factor for factor in factors)
    network = EsrganPlusNet(sides, loaded.resolution)
    size, sides = network.middle, network.inputs
    pool, validation, history = open_data(
        network, loaded, size, sides, data, out, start, weightfile.read_metadata, keep_full=True
    )
    discriminator = patch_discriminator(size // 2, loaded.resolution)
    return EsrganPlusRecipe(network, pool, validation, discriminator=discriminator, history=history)
