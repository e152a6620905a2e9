"""How the embedded GLEAN is trained: latents, then images of an eighth, a quarter and all of the bank's size.

Most of the learning happens where it is cheap: an image of 128 pixels costs a tenth of one of 1024, and the fused
features, which carry what a face looks like, are the same ones. A sample's w is known, and so are the features
that the bank makes of it: both are losses that the paper did not have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from methods.glean import weightfile
from methods.glean.embedded import EmbeddedGlean, Restoration
from methods.shared import banks
from methods.shared.networks.consistency import add_detail
from methods.shared.training.crops import (
    crop,
    crop_target,
    draw_box,
    patch_discriminator,
    patches,
    synthesise_crop,
    trim_border,
)
from methods.shared.training.latents import fit_to_pool
from methods.shared.training.losses import LATENT_VARIANCE, feature_loss, latent_loss
from methods.shared.training.perceptual_loss import LpipsLoss, PerceptualLoss
from methods.shared.training.pool import Draw
from methods.shared.training.recipe import FULL_STAGES, BankRecipe, Stage, Terms, open_data
from methods.shared.training.step import Step

STAGES = (
    Stage("latents", 20_000, 32, 5e-4),
    Stage("base", 400_000, 6, 8e-4),
    Stage("middle", 200_000, 4, 4e-4),
    Stage("full", 100_000, 4, 2e-4),
    Stage("adversarial", 100_000, 4, 5e-5, adversarial=True),
)
"""For one data-centre GPU. Every stage's steps can be changed."""

LATENT, FEATURE = 0.2, 0.05
MATCHED = (16, 32)
"""The resolutions at which features are compared with those that the bank makes of the sample."""


@dataclass
class GleanRecipe(BankRecipe):
    """The recipe."""

    network: EmbeddedGlean
    stages: Sequence[Stage] = STAGES
    crop_loss: LpipsLoss | PerceptualLoss = field(default_factory=LpipsLoss)

    adversarial_weight: ClassVar[float] = 3e-2

    @property
    def identity(self) -> str:
        """What is trained."""
        factors = ", ".join(map(str, self.network.factors))
        over = f"{self.bank.name} {self.bank.digest:.8} at {self.bank.resolution}"
        losses = f"{self.perceptual_loss.name}, {self.crop_loss.name}"
        return f"glean over {over} for {factors}, {self.network.shape}, {losses}"

    def begin(self) -> None:
        """Fit the linear guess of the latents from the LR's pixels, in closed form."""
        if self.fresh:
            fit_to_pool(cast(nn.Linear, self.network.latents.guess), self.pool, min(self.sides))

    def terms(self, network: nn.Module, stage: Stage, step: Step) -> Terms:
        """Return the losses of one step."""
        size = self._size(stage)
        if size == 0:
            # What the latents see of a small LR is shared by all; there is no need to look at the large ones yet.
            draw = self.pool.draw(step, stage.batch, min(self.sides), self.network.middle)
        else:
            draw = self.draw(stage, step, size)
        result: Restoration = network(draw.lr, size)
        latent = latent_loss(result.latents, draw.latents, draw.exact) / LATENT_VARIANCE
        if size == 0:
            return Terms({"latent": latent})
        losses = {"latent": LATENT * latent, **self.image_losses({"": (result.image, draw.hr)})}
        losses["feature"] = FEATURE * self._feature_loss(result, draw)
        if stage.name not in FULL_STAGES or not draw.sampled.any():
            return Terms(losses)
        pair = self._crop_pair(result, draw, step.number)
        fake, real = patches(step.number, *pair)
        losses |= self.image_losses({"crop ": pair}) | {f"crop {self.crop_loss.name}": self.crop_loss(fake, real)}
        return Terms(losses, *((fake, real) if stage.adversarial else ()))

    def image_losses(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Return the losses; the perceptual ones are computed first, which decides how gradients are rounded."""
        perceptual = self.perceptual_losses(pairs)
        return self.pixel_losses(pairs) | perceptual

    def _size(self, stage: Stage) -> int:
        base, middle, _ = self.network.sizes
        return {"latents": 0, "base": base}.get(stage.name, middle)

    def _feature_loss(self, result: Restoration, draw: Draw) -> Tensor:
        matched = [r for r in MATCHED if r in result.features]
        if not matched:
            return result.image.sum() * 0
        with torch.no_grad():
            targets = self.bank.synthesise(draw.latents, stop_at=max(matched)).features
        losses = (feature_loss(result.features[r], targets[r], draw.exact) for r in matched)
        return torch.stack(list(losses)).mean()

    def _crop_pair(self, result: Restoration, draw: Draw, step: int) -> tuple[Tensor, Tensor]:
        """Return a crop at the bank's own size, which the upper bank alone makes, and its target."""
        start, use = self.network.middle // 2, draw.sampled
        box, noise = draw_box(step, start), banks.bank_noise(self.bank)
        feature, share = result.features[start][use], cast(Tensor, result.share)[use]
        detailed = synthesise_crop(self.bank, result.latents[use], start, feature, box, noise)
        image = add_detail(crop(result.image[use], box, start), detailed, crop(share, box, start))
        return trim_border(image, box), trim_border(crop_target(draw, box, start), box)

    def image_size(self, stage: Stage) -> int:
        """Return the side of a stage's images, the smallest one where it has latents alone."""
        return self._size(stage) or self.network.sizes[0]

    def write(self, path: Path, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
        """Write the weight file."""
        weightfile.write(path, self.network, weights, history)


def recipe(
    bank: str, factors: tuple[int, ...], data: Path | None, out: Path, start: Path | None = None
) -> GleanRecipe:
    """Set a training up; what is random in it is the same for every training."""
    loaded = banks.load(bank)
    torch.manual_seed(0)
    network = EmbeddedGlean(loaded, factors)
    size = network.middle
    pool, validation, history = open_data(
        network, loaded, size, network.inputs, data, out, start, weightfile.read_metadata, keep_full=True
    )
    discriminator = patch_discriminator(size // 2, loaded.resolution)
    fresh = start is None
    return GleanRecipe(network, pool, validation, discriminator=discriminator, history=history, fresh=fresh)
