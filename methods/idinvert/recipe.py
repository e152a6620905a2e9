"""How the encoder is trained: by the images that the bank makes of its latents, as published.

Two things the paper did not have: samples whose latents are known, which make the first stage, and surrogates, so
that an image of 128 pixels costs little of the bank's full pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.idinvert import weightfile
from methods.idinvert.encoder import Encoder
from methods.shared import banks
from methods.shared.banks import surrogate
from methods.shared.banks.stylegan2_discriminator import Discriminator
from methods.shared.banks.stylegan2_layers import capped
from methods.shared.training.latents import fit_to_pool
from methods.shared.training.losses import LATENT_VARIANCE, by_slot, latent_loss
from methods.shared.training.recipe import BankRecipe, Stage, Terms, open_data
from methods.shared.training.sample_grid import Validation
from methods.shared.training.step import Step

STAGES = (
    Stage("latents", 20_000, 32, 5e-4),
    Stage("domain", 100_000, 8, 1e-4),
    Stage("adversarial", 100_000, 8, 5e-5, adversarial=True),
)
"""For one data-centre GPU. Every stage's steps can be changed."""
LATENT = 0.1
SIZE = 128
"""The side of the images that are compared."""
POOL_SIZE = 256
"""The side of the kept HR: the pool is then one that GLEAN's training over the same bank has filled."""


@dataclass
class IdinvertRecipe(BankRecipe):
    """The recipe."""

    network: Encoder
    stages: Sequence[Stage] = STAGES

    perceptual_weight: ClassVar[float] = 0.5
    adversarial_weight: ClassVar[float] = 0.08
    """The published one."""

    @property
    def identity(self) -> str:
        """What is trained."""
        sides = ", ".join(map(str, self.sides))
        over = f"{self.bank.name} {self.bank.digest:.8} at {self.bank.resolution}"
        return f"idinvert over {over} for LR {sides}, {self.network.shape}, {self.perceptual_loss.name}"

    def begin(self) -> None:
        """Fit the linear guess of the latents from the LR's pixels, in closed form."""
        if self.fresh:
            fit_to_pool(self.network.guess, self.pool, min(self.sides))

    def terms(self, network: nn.Module, stage: Stage, step: Step) -> Terms:
        """Return the losses of one step."""
        draw = self.draw(stage, step, self.image_size(stage))
        latents: Tensor = network(draw.lr)
        latent = latent_loss(latents, draw.latents, draw.exact) / LATENT_VARIANCE
        if stage.name == "latents":
            return Terms({"latent": latent})
        image = self._render(latents)
        losses = {"latent": LATENT * latent, **self.image_losses({"": (image, draw.hr)})}
        return Terms(losses, *((image, draw.hr) if stage.adversarial else ()))

    def pixel_loss(self, image: Tensor, target: Tensor) -> Tensor:
        """Return the mean squared difference."""
        return F.mse_loss(image, target)

    def _render(self, latents: Tensor) -> Tensor:
        """Return what the bank makes of latents, (N, 3, SIZE, SIZE) in [-1, 1]; by a surrogate if it has one."""
        if banks.metadata(self.bank.name).surrogate >= SIZE:
            head = surrogate.load(self.bank, SIZE)
            return head(self.bank.synthesise(latents, stop_at=SIZE // 2).features[SIZE // 2], latents)
        image = banks.full_image(self.bank.synthesise(latents))
        return F.adaptive_avg_pool2d(image, min(SIZE, self.bank.resolution))

    def image_size(self, stage: Stage) -> int:
        """Return the side of every stage's images."""
        return min(SIZE, self.bank.resolution)

    def restore(self, lr: Tensor, size: int) -> Tensor:
        """Return what the bank makes of the latents that the encoder reads from LR images."""
        return self._render(self.network(lr))

    def scores(self, images: Validation) -> dict[str, float]:
        """Return PSNR in dB, and the latents' error in units of their variance."""
        error = (self.network(images.lr) - by_slot(images.latents)).square().mean()
        return {"psnr": images.psnr, "latent": float(error / LATENT_VARIANCE)}

    def write(self, path: Path, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
        """Write the weight file."""
        weightfile.write(path, self.network, self.bank, weights, history)


def recipe(
    bank: str, factors: tuple[int, ...], data: Path | None, out: Path, start: Path | None = None
) -> IdinvertRecipe:
    """Set a training up; what is random in it is the same for every training."""
    loaded = banks.load(bank)
    torch.manual_seed(0)
    encoder = Encoder(loaded)
    size = min(POOL_SIZE, loaded.resolution)
    sides = tuple(sorted(side for factor in factors if (side := loaded.resolution // factor) <= weightfile.SIDE))
    pool, validation, history = open_data(encoder, loaded, size, sides, data, out, start, weightfile.read_metadata)
    discriminator, fresh = Discriminator(capped(min(SIZE, loaded.resolution))), start is None
    return IdinvertRecipe(encoder, pool, validation, discriminator=discriminator, history=history, fresh=fresh)
