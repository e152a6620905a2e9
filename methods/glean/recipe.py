"""How the embedded GLEAN is trained: latents, then images of an eighth, a quarter and all of the bank's size.

Most of the learning happens where it is cheap: an image of 128 pixels costs a tenth of one of 1024, and the fused
features, which carry the perceptual_distance, are the same ones. A sample's w is known, and so are the features that the bank
makes of it: both are losses that the paper did not have.
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
from methods.glean import weightfile
from methods.glean.embedded import EmbeddedGlean, Restoration
from methods.shared import banks, weight_files
from methods.shared.banks.stylegan2_discriminator import Discriminator
from methods.shared.banks.stylegan2_layers import capped
from methods.shared.networks.consistency import add_detail
from methods.shared.training.crop_targets import true_piece
from methods.shared.training.crops import bank_noise, cut, draw_box, upper_bank, without_rim
from methods.shared.training.latents import fit_to_pool
from methods.shared.training.losses import feature_loss, latent_loss
from methods.shared.training.perceptual_loss import Perception, perception
from methods.shared.training.photographs import read_folder
from methods.shared.training.recipe import Sheet, Stage, Terms
from methods.shared.training.sample_grid import validate
from methods.shared.training.samples import Draw, Pool, Samples

STAGES = (
    Stage("latents", 20_000, 32, 5e-4),
    Stage("base", 400_000, 6, 8e-4),
    Stage("middle", 200_000, 4, 4e-4),
    Stage("full", 100_000, 4, 2e-4),
    Stage("adversarial", 100_000, 4, 5e-5, adversarial=True),
)
"""For one data-centre GPU. Every stage's steps can be changed."""

PERCEPTION, LATENT, FEATURE, ADVERSARIAL = 1.0, 0.2, 0.05, 1e-2
SPREAD = 0.15
"""The variance of w at the truncations that are trained on."""
MATCHED = (16, 32)
"""The resolutions at which features are compared with the truth's."""


@dataclass
class GleanRecipe:
    """The recipe. See `methods.shared.training.recipe.Recipe`."""

    network: EmbeddedGlean
    pool: Pool
    validation: Samples
    perception: Perception
    stages: Sequence[Stage] = STAGES
    discriminator: nn.Module | None = None
    history: dict[str, object] = field(default_factory=dict)
    """What the weight file shall say of the training beside its steps."""
    fresh: bool = True
    """Whether the network has no weights yet but random ones."""
    adversarial_weight: float = ADVERSARIAL

    @property
    def identity(self) -> str:
        """Say what is trained."""
        factors = ", ".join(map(str, self.network.factors))
        over = f"{self.bank.name} {self.bank.digest:.8} at {self.bank.resolution}"
        return f"glean over {over} for {factors}, {self.network.shape}, {self.perception.name}"

    @property
    def bank(self) -> Bank:
        """The frozen bank."""
        return self.network.bank

    def place(self, device: torch.device) -> None:
        """Move the bank and the loss network to a device."""
        cast(nn.Module, self.bank).to(device)  # a bank is a module, which its protocol cannot say
        self.perception.to(device)

    def begin(self) -> None:
        """Fit the linear guess of the latents from the LR's pixels, in closed form."""
        if self.fresh:
            fit_to_pool(cast(nn.Linear, self.network.latents.guess), self.pool, min(self.network.inputs))

    def terms(self, network: nn.Module, stage: Stage, step: int, shard: tuple[int, int]) -> Terms:
        """Return the losses of one step; the LR sizes take turns."""
        size = self._size(stage)
        sides = self.network.inputs
        # What the latents see of a small LR is shared by all; there is no need to look at the large ones yet.
        side = min(sides) if size == 0 else sides[step % len(sides)]
        draw = self.pool.draw(step, stage.batch, side, size or self.network.middle, shard)
        made: Restoration = network(draw.lr, size)
        latent = latent_loss(made.latents, draw.latents, draw.known) / SPREAD
        if size == 0:
            return Terms({"latent": latent})
        losses = {"latent": LATENT * latent, **self._perceptual_distance(made.image, draw.hr)}
        losses["feature"] = FEATURE * self._features(made, draw)
        if stage.name != "full":
            return Terms(losses, *((made.image, draw.hr) if stage.adversarial else ()))
        return Terms(losses | self._crop(made, draw, step))

    def _size(self, stage: Stage) -> int:
        base, middle, _ = self.network.sizes
        return {"latents": 0, "base": base}.get(stage.name, middle)

    def _perceptual_distance(self, image: Tensor, truth: Tensor) -> dict[str, Tensor]:
        near = self.perception(image, truth)
        return {"pixel": F.l1_loss(image, truth), "perception": PERCEPTION * near}

    def _features(self, made: Restoration, draw: Draw) -> Tensor:
        matched = [r for r in MATCHED if r in made.features]
        if not matched:
            return made.image.sum() * 0
        with torch.no_grad():
            true = self.bank.synthesise(draw.latents, stop_at=max(matched)).features
        pairs = (feature_loss(made.features[r], true[r], draw.known) for r in matched)
        return torch.stack(list(pairs)).mean()

    def _crop(self, made: Restoration, draw: Draw, step: int) -> dict[str, Tensor]:
        """Compare a piece at the bank's own size: both pieces are made by the upper bank alone."""
        chosen = draw.sampled
        if not chosen.any() or made.share is None:
            return {"piece": made.image.sum() * 0}
        start = self.network.middle // 2
        box = draw_box(step, start)
        feature = made.features[start][chosen]
        image = upper_bank(self.bank, made.latents[chosen], start, feature, box, bank_noise(self.bank))
        low, share = (cut(x[chosen], box, start) for x in (made.image, made.share))
        result = add_detail(low, image, share)
        truth = true_piece(self.bank, draw, box, start, step)
        near = self._perceptual_distance(without_rim(result, box), without_rim(truth, box))
        return {f"piece {name}": value for name, value in near.items()}

    def show(self, stage: Stage) -> Sheet:
        """Restore validation samples for every LR size; scores are dB, and dB above bicubic."""
        size = self._size(stage) or self.network.sizes[0]

        def restore(lr: Tensor) -> Tensor:
            return torch.cat([self.network(one[None], size).image for one in lr])

        sides = reversed(self.network.inputs)
        return validate(
            self.validation, sides, size, restore, lambda made: made.perceptual_distance(self.perception)
        )

    def export(self, weights: dict[str, Tensor], path: Path, history: dict[str, object]) -> None:
        """Write the weights in half precision, with everything that is needed to read them."""
        said = weight_files.marked({**self.history, **history}, self.perception.judges)
        weightfile.write(path, self.network, weights, said)


def recipe(
    bank: str, factors: tuple[int, ...], data: Path | None, out: Path, start: Path | None = None
) -> GleanRecipe:
    """Set a training up; what is random in it is the same for every training."""
    loaded = banks.load(bank)
    torch.manual_seed(0)
    network = EmbeddedGlean(loaded, factors)
    if start is not None:
        weightfile.load(network, start)
    size, sides = network.middle, network.inputs
    photographs = () if data is None else read_folder(data, loaded.resolution, size, sides)
    history = weight_files.begun(start, weightfile.about, len(photographs))
    samples = Samples(loaded, size, sides, out / "pool")
    pool = Pool(samples, photographs, past=weight_files.steps(history))
    validation = Samples(loaded, size, sides, out / "validation", seeds.Domain.VALIDATION)
    judge = Discriminator(capped(size))
    return GleanRecipe(network, pool, validation, perception(), STAGES, judge, history, fresh=start is None)
