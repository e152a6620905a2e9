"""How ESRGAN+ is trained: L1 at an eighth, a quarter and all of the result's size, then ESRGAN's three losses.

The stages that look at pictures are those of the embedded GLEAN, step for step and image for image, on the same
pool of samples; what GLEAN learns of latents has no counterpart here.
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
from methods.esrgan_plus import weightfile
from methods.esrgan_plus.network import Enlarged, EsrganPlusNet, Piece
from methods.shared import banks, weight_files
from methods.shared.banks.stylegan2_discriminator import Discriminator
from methods.shared.banks.stylegan2_layers import capped
from methods.shared.training.crop_targets import true_piece
from methods.shared.training.crops import RIM, Box, cut, draw_box, without_rim
from methods.shared.training.perceptual_loss import Perception, perception
from methods.shared.training.photographs import read_folder
from methods.shared.training.recipe import Sheet, Stage, Terms
from methods.shared.training.sample_grid import validate
from methods.shared.training.samples import Pool, Samples

STAGES = (
    Stage("base", 400_000, 6, 4e-4),
    Stage("middle", 200_000, 4, 4e-4),
    Stage("full", 100_000, 4, 2e-4),
    Stage("adversarial", 100_000, 4, 1e-4, adversarial=True, relativistic=True),
)
"""Steps and batches are those of `methods.glean.recipe.STAGES`; the rates are ESRGAN's, doubled for L1."""
PIXEL, PERCEPTION, ADVERSARIAL = 1e-2, 1.0, 5e-3
"""The published weights of the last stage."""
PATCH = 128
"""The side of what the discriminator judges where there is room for it, the published one."""
JUDGE = 128
"""Its widest layer: it then costs about what the published VGG-style one does."""


@dataclass
class EsrganPlusRecipe:
    """The recipe. See `methods.shared.training.recipe.Recipe`."""

    network: EsrganPlusNet
    bank: Bank
    pool: Pool
    validation: Samples
    perception: Perception
    stages: Sequence[Stage] = STAGES
    discriminator: nn.Module | None = None
    history: dict[str, object] = field(default_factory=dict)
    adversarial_weight: float = ADVERSARIAL

    @property
    def identity(self) -> str:
        """Say what is trained."""
        sides = ", ".join(map(str, self.network.inputs))
        what = f"esrgan+ to {self.network.resolution} from {sides}, {self.network.shape}"
        return f"{what}, on {self.bank.name} {self.bank.digest:.8}, {self.perception.name}"

    def place(self, device: torch.device) -> None:
        """Move the bank and the loss network to a device."""
        cast(nn.Module, self.bank).to(device)
        self.perception.to(device)

    def begin(self) -> None:
        """Prepare nothing: the network begins as bicubic."""

    def terms(self, network: nn.Module, stage: Stage, step: int, shard: tuple[int, int]) -> Terms:
        """Return the losses of one step; the LR sizes take turns."""
        size = self._size(stage)
        side = self.network.inputs[step % len(self.network.inputs)]
        draw = self.pool.draw(step, stage.batch, side, size, shard)
        start = self.network.middle // 2
        box = draw_box(step, start)
        pieced = stage.name in {"full", "adversarial"} and bool(draw.sampled.any())
        made: Enlarged = network(draw.lr, size, Piece(draw.sampled, box) if pieced else None)
        pairs = {"": (made.image, draw.hr)}
        if made.piece is not None:
            truth = true_piece(self.bank, draw, box, start, step)
            pairs["piece "] = without_rim(made.piece, box), without_rim(truth, box)
        losses = {f"{name}pixel": F.l1_loss(*pair) for name, pair in pairs.items()}
        if not stage.adversarial:
            return Terms(losses)
        near = {f"{name}perception": self.perception(*pair) for name, pair in pairs.items()}
        weighted = {name: PIXEL * value for name, value in losses.items()}
        weighted |= {name: PERCEPTION * value for name, value in near.items()}
        # Only a sample has a truth of the result's size, so photographs alone give nothing to judge.
        judged = _patches(step, _patch_side(self.network), *pairs["piece "]) if "piece " in pairs else ()
        return Terms(weighted, *judged)

    def _size(self, stage: Stage) -> int:
        return self.network.sizes[0] if stage.name == "base" else self.network.middle

    def show(self, stage: Stage) -> Sheet:
        """Restore validation samples for every LR size; scores are dB, and dB above bicubic."""
        size = self._size(stage)

        def restore(lr: Tensor) -> Tensor:
            return torch.cat([self.network(one[None], size).image for one in lr])

        sides = reversed(self.network.inputs)
        return validate(
            self.validation, sides, size, restore, lambda made: made.perceptual_distance(self.perception)
        )

    def export(self, weights: dict[str, Tensor], path: Path, history: dict[str, object]) -> None:
        """Write the weights in half precision; the perceptual network counts once its loss was used."""
        spoiled = list(self.perception.judges) if history.get("stage") == "adversarial" else []
        said = weight_files.marked({**self.history, **history}, spoiled)
        weightfile.write(path, self.network, weights, said)


def _patch_side(network: EsrganPlusNet) -> int:
    """Return the side of what the discriminator judges: PATCH, or the power of two that fits in a piece."""
    start = network.middle // 2
    room = (draw_box(0, start).side - 2 * RIM) * network.resolution // start
    return min(PATCH, 1 << room.bit_length() - 1)


def _patches(step: int, side: int, *images: Tensor) -> list[Tensor]:
    """Cut the same patch from images of one size, at a place that the step decides."""
    size = images[0].shape[-1]
    generator = torch.Generator().manual_seed(step)
    top, left = torch.randint(0, size - side + 1, (2,), generator=generator).tolist()
    return [cut(image, Box(top, left, side), size) for image in images]


def recipe(
    bank: str, factors: tuple[int, ...], data: Path | None, out: Path, start: Path | None = None
) -> EsrganPlusRecipe:
    """Set a training up; what is random in it is the same for every training."""
    loaded = banks.load(bank)
    torch.manual_seed(0)
    sides = tuple(loaded.resolution // factor for factor in factors)
    network = EsrganPlusNet(sides, loaded.resolution)
    if start is not None:
        weightfile.load(network, start)
    size = network.middle
    photographs = () if data is None else read_folder(data, loaded.resolution, size, network.inputs)
    history = weight_files.begun(start, weightfile.about, len(photographs))
    samples = Samples(loaded, size, network.inputs, out / "pool")
    pool = Pool(samples, photographs, past=weight_files.steps(history))
    validation = Samples(loaded, size, network.inputs, out / "validation", seeds.Domain.VALIDATION)
    judge = Discriminator(capped(_patch_side(network), JUDGE))
    return EsrganPlusRecipe(network, loaded, pool, validation, perception(), STAGES, judge, history)
