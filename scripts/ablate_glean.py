"""What each part of GLEAN is worth: one short training with each part taken away, as in the article's ablation.

    python -m scripts.ablate_glean --out training/ablation --steps 300

Every variant begins from the same random weights and sees the same samples in the same order, at 128 pixels. Issue
the command again after an interruption. The table is `table.md` in `--out`.
"""

import argparse
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import Bank
from bench.base import seeds
from bench.base.files import write_atomically
from bench.images.degradation import resize_tensor
from bench.networks.efficientnet_lite import LiteFeatures, distance
from methods.glean.embedded import EmbeddedGlean, Restoration
from methods.glean.parts import LatentHead
from methods.glean.recipe import STAGES, GleanRecipe
from methods.shared import banks
from methods.shared.banks import surrogate
from methods.shared.networks.consistency import consistent
from methods.shared.training.loop import Loop
from methods.shared.training.perceptual_loss import lite0
from methods.shared.training.pool import Pool
from methods.shared.training.samples import Samples, to_signed
from reports.markup import markdown_line

log = logging.getLogger(__name__)

_FACTORS = (16, 32, 64)
_SAMPLES = 32
"""How many validation samples the table is about."""


class _MeanLatents(LatentHead):
    """Without latents: every slot has the bank's mean."""

    def forward(self, lr: Tensor, coarsest: Tensor) -> Tensor:  # noqa: ARG002 (as `LatentHead.forward`)
        """Return the mean latent, (N, slots, width)."""
        slots, width = self.basis.shape[0], self.basis.shape[2]
        return self.mean.expand(len(lr), slots, width)


class _Unfused(nn.Module):
    """Without encoder features: the bank's feature as it is."""

    def forward(self, feature: Tensor, encoded: Tensor) -> Tensor:  # noqa: ARG002 (as `Fusion.forward`)
        """Return the bank's feature."""
        return feature


class _WithoutDecoder(EmbeddedGlean):
    """Without the decoder: the image is what the bank's surrogate at 128 makes of the fused features."""

    def forward(self, lr: Tensor, size: int | None = None) -> Restoration:
        """Restore LR images (N, 3, r, r) in [-1, 1] to 128 pixels."""
        _, pyramid = self.encoder(lr)
        latents = self.latents(lr, pyramid[4])
        size = size or self.sizes[0]
        features = self.bank.synthesise(
            latents, feature_hook=partial(self.fuse, pyramid), stop_at=size // 2
        ).features
        image = surrogate.load(self.bank, size)(features[size // 2], latents)
        return Restoration(consistent(image, lr), latents, features, None)


class _WithoutBank(EmbeddedGlean):
    """Without the bank: the decoder reads the encoder's features alone, through fusions with nothing."""

    def forward(self, lr: Tensor, size: int | None = None) -> Restoration:
        """Restore LR images (N, 3, r, r) in [-1, 1] to 128 pixels."""
        entry, pyramid = self.encoder(lr)
        size = size or self.sizes[0]
        resolutions = [int(name) for name in self.fusions if int(name) < size]
        nothing = {r: lr.new_zeros(len(lr), self.bank.channels[r], r, r) for r in resolutions}
        features = {r: self.fuse(pyramid, r, empty) for r, empty in nothing.items()}
        image, _ = self.decoder(lr, entry, features, size)
        return Restoration(consistent(image, lr), self.latents(lr, pyramid[4]), {}, None)


def variants(bank: Bank) -> dict[str, EmbeddedGlean]:
    """Return GLEAN and what is left of it without each part, all from the same random weights."""
    kinds = {"all parts": EmbeddedGlean, "no decoder": _WithoutDecoder, "no bank": _WithoutBank}
    networks = {name: _seeded(kind, bank) for name, kind in kinds.items()}
    networks["no encoder features"] = unfused = _seeded(EmbeddedGlean, bank)
    unfused.fusions = nn.ModuleDict({name: _Unfused() for name in unfused.fusions})
    networks["no latents"] = mean = _seeded(EmbeddedGlean, bank)
    head = _MeanLatents(bank, mean.shape)
    head.load_state_dict(mean.latents.state_dict())
    mean.latents = head
    return networks


def _seeded(kind: type[EmbeddedGlean], bank: Bank) -> EmbeddedGlean:
    torch.manual_seed(0)
    return kind(bank, _FACTORS)


@dataclass
class VariantRecipe(GleanRecipe):
    """The recipe, with the variant's name in its identity: no state continues another variant's training."""

    variant: str = ""

    @property
    def identity(self) -> str:
        """Say what is trained."""
        return f"{super().identity}, {self.variant}"


class _Variant(VariantRecipe):
    """One that lacks a part."""

    def export(self, weights: dict[str, Tensor], path: Path, history: Mapping[str, Any]) -> None:
        """Write nothing: a variant is no GLEAN, and no file of it shall be taken for one."""


class Scores(NamedTuple):
    """What a variant reaches on the validation samples at 128 pixels."""

    psnr: float
    """dB."""
    lite2: float


@torch.no_grad()
def evaluate(network: EmbeddedGlean | None, validation: Samples, count: int = _SAMPLES) -> dict[int, Scores]:
    """Return PSNR and lite2 by LR side; those of bicubic when there is no network."""
    lite2, size = LiteFeatures("lite2").to(validation.bank.mean_latent.device), 128
    scores: dict[int, list[tuple[float, float]]] = {}
    for index in range(count):
        item = validation[index]
        hr = F.adaptive_avg_pool2d(to_signed(item.hr)[None], size)
        features = lite2((hr + 1) / 2)
        for side, pixels in item.lr.items():
            lr = to_signed(pixels)[None]
            sr = resize_tensor(lr, size, size) if network is None else network(lr, size).image
            sr = sr.clamp(-1, 1)
            psnr = -10 * float(((sr - hr) / 2).square().mean().log10())
            scores.setdefault(side, []).append((psnr, float(distance(lite2((sr + 1) / 2), features))))
    return {side: Scores(*torch.tensor(pairs).mean(0).tolist()) for side, pairs in scores.items()}


def run(out: Path, steps: int, bank: str = "mobilestylegan", count: int = _SAMPLES) -> Path:
    """Train every variant and write the table.

    Args:
        out: the folder of the trainings, a folder each, and of the table.
        steps: of the stage `base`, a variant.
        bank: the latent bank.
        count: how many validation samples the scores are about.

    Returns:
        The table.
    """
    loaded = banks.load(bank)
    stages = [replace(stage, steps=steps) for stage in STAGES if stage.name == "base"]
    rows: dict[str, dict[int, Scores]] = {}
    for name, network in variants(loaded).items():
        log.info("%s", name)
        middle, sides = network.middle, network.inputs
        pool = Pool(Samples(loaded, middle, sides, out / "pool"), growth=0)
        validation = Samples(loaded, middle, sides, out / "validation", seeds.Domain.VALIDATION)
        recipe = _Variant(network, pool, validation, lite0(), stages, variant=name)
        network.load_state_dict(Loop(recipe, out / name.replace(" ", "-")).run())
        rows.setdefault("bicubic", evaluate(None, validation, count))
        rows[name] = evaluate(network, validation, count)
    path = out / "table.md"
    write_atomically(path, _table(rows).encode())
    return path


def _table(rows: dict[str, dict[int, Scores]]) -> str:
    sides = sorted(next(iter(rows.values())), reverse=True)
    factors = [1024 // side for side in sides]
    head = ["variant", *(f"{what} {factor}x" for factor in factors for what in ("PSNR", "lite2"))]
    lines = [head, ["---"] * len(head)]
    for name, row in rows.items():
        values = ((row[side].psnr, row[side].lite2) for side in sides)
        lines.append([name, *(text for psnr, lite2 in values for text in (f"{psnr:.2f}", f"{lite2:.3f}"))])
    return "\n".join(map(markdown_line, lines)) + "\n"


def main() -> None:
    """Read the arguments and train every variant."""
    parser = argparse.ArgumentParser(prog="scripts.ablate_glean", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    print(run(arguments.out, arguments.steps).read_text(encoding="utf-8"))  # noqa: T201 (the table is what it is run for)


if __name__ == "__main__":
    main()
