"""How the encoder is trained: by the images that the bank makes of its latents, as published.

Two things the paper did not have: samples whose latents are known, which make the first stage, and surrogates, so
that an image of 128 pixels costs little of the bank's full pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import Bank
from bench.base import seeds
from methods.idinvert import weightfile
from methods.idinvert.encoder import SIDE, Encoder
from methods.shared import banks, weight_files
from methods.shared.banks import surrogate
from methods.shared.banks.stylegan2_discriminator import Discriminator
from methods.shared.banks.stylegan2_layers import capped
from methods.shared.training.latents import fit_to_pool
from methods.shared.training.losses import by_slot, latent_loss
from methods.shared.training.perceptual_loss import Perception, perception
from methods.shared.training.photographs import read_folder
from methods.shared.training.recipe import Sheet, Stage, Terms
from methods.shared.training.sample_grid import Shown, validate
from methods.shared.training.samples import Pool, Samples

STAGES = (
    Stage("latents", 20_000, 32, 5e-4),
    Stage("domain", 100_000, 8, 1e-4),
    Stage("adversarial", 100_000, 8, 5e-5, adversarial=True),
)
"""For one data-centre GPU. Every stage's steps can be changed."""
PERCEPTION, LATENT, ADVERSARIAL = 0.5, 0.1, 0.08
"""The adversarial weight is the published one."""
SPREAD = 0.15
"""The variance of w at the truncations that are trained on."""
SIZE = 128
"""The side of the images that are compared."""
POOL_SIZE = 256
"""The side of the kept HR: the pool is then one that GLEAN's training over the same bank has filled."""


@dataclass
class IdinvertRecipe:
    """The recipe. See `methods.shared.training.recipe.Recipe`."""

    network: Encoder
    bank: Bank
    sides: tuple[int, ...]
    pool: Pool
    validation: Samples
    perception: Perception
    stages: Sequence[Stage] = STAGES
    discriminator: nn.Module | None = None
    history: dict[str, object] = field(default_factory=dict)
    fresh: bool = True
    adversarial_weight: float = ADVERSARIAL

    @property
    def identity(self) -> str:
        """Say what is trained."""
        sides = ", ".join(map(str, self.sides))
        over = f"{self.bank.name} {self.bank.digest:.8} at {self.bank.resolution}"
        return f"idinvert over {over} for LR {sides}, {self.network.shape}, {self.perception.name}"

    def place(self, device: torch.device) -> None:
        """Move the bank and the loss network to a device."""
        cast(nn.Module, self.bank).to(device)
        self.perception.to(device)

    def begin(self) -> None:
        """Fit the linear guess of the latents from the LR's pixels, in closed form."""
        if self.fresh:
            fit_to_pool(self.network.guess, self.pool, min(self.sides))

    def terms(self, network: nn.Module, stage: Stage, step: int, shard: tuple[int, int]) -> Terms:
        """Return the losses of one step; the LR sizes take turns."""
        side = self.sides[step % len(self.sides)]
        draw = self.pool.draw(step, stage.batch, side, min(SIZE, self.bank.resolution), shard)
        latents: Tensor = network(draw.lr)
        latent = latent_loss(latents, draw.latents, draw.known) / SPREAD
        if stage.name == "latents":
            return Terms({"latent": latent})
        image = self.render(latents)
        losses = {
            "latent": LATENT * latent,
            "pixel": F.mse_loss(image, draw.hr),
            "perception": PERCEPTION * self.perception(image, draw.hr),
        }
        return Terms(losses, *((image, draw.hr) if stage.adversarial else ()))

    def render(self, latents: Tensor) -> Tensor:
        """Return what the bank makes of latents, (N, 3, SIZE, SIZE) in [-1, 1]; by a surrogate if it has one."""
        if banks.about(self.bank.name).surrogate >= SIZE:
            head = surrogate.load(self.bank, SIZE)
            return cast(
                Tensor, head(self.bank.synthesise(latents, stop_at=SIZE // 2).features[SIZE // 2], latents)
            )
        image = self.bank.synthesise(latents).image
        if image is None:
            raise RuntimeError("a whole pass of the bank made no image")
        return F.adaptive_avg_pool2d(image, min(SIZE, self.bank.resolution))

    def show(self, stage: Stage) -> Sheet:
        """Encode validation samples of every LR size; scores are dB, and the latents' error in their variance."""
        size = min(SIZE, self.bank.resolution)

        def score(made: Shown) -> dict[str, float]:
            error = (self.network(made.lr) - by_slot(made.latents)).square().mean()
            return {"psnr": made.psnr, "latent": float(error / SPREAD)}

        sides = sorted(self.sides, reverse=True)
        return validate(self.validation, sides, size, lambda lr: self.render(self.network(lr)), score)

    def export(self, weights: dict[str, Tensor], path: Path, history: dict[str, object]) -> None:
        """Write the weights in half precision, with everything that is needed to read them."""
        said = weight_files.marked({**self.history, **history}, self.perception.judges)
        weightfile.write(path, self.network, self.bank, weights, said)


def recipe(
    bank: str, factors: tuple[int, ...], data: Path | None, out: Path, start: Path | None = None
) -> IdinvertRecipe:
    """Set a training up; what is random in it is the same for every training."""
    loaded = banks.load(bank)
    torch.manual_seed(0)
    encoder = Encoder(loaded)
    if start is not None:
        weightfile.load(encoder, start)
    size = min(POOL_SIZE, loaded.resolution)
    sides = tuple(side for side in sorted(loaded.resolution // factor for factor in factors) if side <= SIDE)
    photographs = () if data is None else read_folder(data, loaded.resolution, size, sides)
    history = weight_files.begun(start, weightfile.about, len(photographs))
    samples = Samples(loaded, size, sides, out / "pool")
    pool = Pool(samples, photographs, past=weight_files.steps(history))
    validation = Samples(loaded, size, sides, out / "validation", seeds.Domain.VALIDATION)
    judge = Discriminator(capped(min(SIZE, loaded.resolution)))
    return IdinvertRecipe(
        encoder, loaded, sides, pool, validation, perception(), STAGES, judge, history, fresh=start is None
    )
