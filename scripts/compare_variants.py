"""What keeps GLEAN from photographs: a short training for each thing changed, from the same weights.

    python -m scripts.compare_variants --out training/variants
    bench run --methods 'glean[weights=training/variants/mixed/weights.safetensors]' --category celeba=PATH

Every variant goes on from the faithful weights, with the losses and random choices of a training. Those of the
person are trained `--steps` at 128 pixels and as many at 256, beside `as-it-is`, which changes nothing; those of
the loss on crops as many steps of the stage `full`, beside `lpips`, the recipe's own. `--only` names the variants
that this process trains. Issue the command again after an interruption.
"""

import argparse
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PillowImage
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from bench import Bank
from bench.base import seeds
from bench.networks.imagenet import load_convolutions
from methods.glean import weightfile
from methods.glean.embedded import EmbeddedGlean
from methods.glean.parts import DenseBlock
from methods.glean.recipe import STAGES
from methods.shared import banks, weight_files
from methods.shared.training.loop import Loop
from methods.shared.training.perceptual_loss import LpipsLoss, PerceptualLoss, vgg16
from methods.shared.training.pool import Pool
from methods.shared.training.recipe import FULL_STAGES, Stage, Terms
from methods.shared.training.samples import Item, Samples
from methods.shared.training.step import Step
from scripts.ablate_glean import VariantRecipe

START = Path(__file__).resolve().parents[1] / "methods/glean/weights/glean-faithful.safetensors"
FIRST = 256
"""Samples that a variant begins with; one more comes for every eight images."""


class _Wider(Samples):
    """People farther from the mean."""

    TRUNCATION: ClassVar = (0.7, 1.3)


class _Warped(Samples):
    """Every sample in other proportions than the bank's."""

    WARP_PROB: ClassVar = 1.0


class _Mixed(Samples):
    """Two people a sample: the coarse slots of one w and the fine slots of another."""

    def latent(self, index: int) -> Tensor:
        """Return the w of a sample, one a slot."""
        coarse = self.bank.per_slot(super().latent(index))
        fine = self.bank.per_slot(super().latent(index + (1 << 20)))
        first_fine = int(np.random.default_rng([index, 1]).integers(1, coarse.shape[1]))
        return torch.cat([coarse[:, :first_fine], fine[:, first_fine:]], 1)


class _Damaged(Samples):
    """Blurred, noisy and compressed, each sample by degrees of its own, as photographs are."""

    def _item(self, index: int, image: Tensor, latent: npt.NDArray[np.float32]) -> Item:
        damaged = damage(image.cpu(), index).to(image.device)
        return super()._item(index, damaged, latent)._replace(warped=True)


def damage(image: Tensor, seed: int) -> Tensor:
    """Blur (at most 2 pixels), add noise (at most 10 of 255) and compress (JPEG 40 to 95).

    Args:
        image: in [-1, 1], (3, H, W).
        seed: decides the degrees, whatever else follows from the same number.
    """
    rng = np.random.default_rng([seed, 1])
    sigma = rng.uniform(0.1, 2)
    blurred = gaussian_filter(image.numpy(), (0, sigma, sigma), mode="mirror")
    noise = rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(0, 10)
    pixels = (blurred * 127.5 + 127.5 + noise).clip(0, 255).round().astype(np.uint8)
    file = io.BytesIO()
    PillowImage.fromarray(pixels.transpose(1, 2, 0)).save(file, "JPEG", quality=int(rng.integers(40, 96)))
    read = np.array(PillowImage.open(file))
    return torch.from_numpy(read).permute(2, 0, 1) / 127.5 - 1


class _WithoutBankLosses(VariantRecipe):
    """Nothing pulls latents and features to those of the bank's own people."""

    def terms(self, network: nn.Module, stage: Stage, step: Step) -> Terms:
        """Return the losses of one step but those two."""
        terms = super().terms(network, stage, step)
        kept = {name: loss for name, loss in terms.losses.items() if name not in ("latent", "feature")}
        return replace(terms, losses=kept)


class Variant(NamedTuple):
    """What is changed."""

    samples: Callable[..., Samples] = Samples
    recipe: Callable[..., VariantRecipe] = VariantRecipe
    blocks: int = 3
    """Of the encoder's trunk; those beyond the third begin silent."""
    stages: Sequence[str] = ("base", "middle")
    crop_loss: Callable[[], LpipsLoss | PerceptualLoss] = LpipsLoss


def _conv4_3() -> PerceptualLoss:
    """Return the article's perceptual loss."""
    return vgg16(load_convolutions("vgg16"))


VARIANTS = {
    "as-it-is": Variant(),
    "mixed": Variant(_Mixed),
    "wider": Variant(_Wider),
    "damaged": Variant(_Damaged),
    "deeper": Variant(blocks=6),
    "warped": Variant(_Warped),
    "no-bank-losses": Variant(recipe=_WithoutBankLosses),
    "lpips": Variant(stages=("full",)),
    "more-lpips": Variant(stages=("full",), crop_loss=partial(LpipsLoss, 12.0)),
    "conv4_3": Variant(stages=("full",), crop_loss=_conv4_3),
}


def network(bank: Bank, blocks: int) -> EmbeddedGlean:
    """Return GLEAN with the faithful weights, and more blocks in its trunk that do nothing yet."""
    torch.manual_seed(0)
    first = EmbeddedGlean(bank)
    weight_files.load(first, START)
    whole = EmbeddedGlean(bank, shape=replace(first.shape, blocks=blocks))
    whole.load_state_dict(first.state_dict(), strict=False)
    for block in list(whole.encoder.trunk)[first.shape.blocks :]:
        for parameter in cast(DenseBlock, block).convolutions[-1].parameters():
            nn.init.zeros_(parameter)
    return whole


def one_image(stage: Stage, steps: int) -> Stage:
    """Return a stage of one image a step; at the rate of six, encoder and latents diverge for a while."""
    return replace(stage, steps=steps, batch=1, rate=stage.rate / 4)


def train(name: str, out: Path, steps: int, bank: str = "mobilestylegan") -> Path:
    """Train a variant, in its own folder of `out`.

    Args:
        name: one of `VARIANTS`.
        out: of all trainings; what has the same samples shares them.
        steps: of each of its stages.
        bank: the latent bank.

    Returns:
        Its weight file.
    """
    loaded, variant = banks.load(bank), VARIANTS[name]
    glean = network(loaded, variant.blocks)
    folder, size, sides = out / name, glean.middle, glean.inputs
    history = weight_files.initial_history(START, weightfile.read_metadata, 0)
    own = (out if variant.samples is Samples else folder) / "pool"
    is_full = any(stage in FULL_STAGES for stage in variant.stages)
    samples = variant.samples(loaded, size, sides, own, keep_full=is_full)
    pool = Pool(samples, first=FIRST, past=weight_files.drawn_samples(history))
    validation = Samples(loaded, size, sides, out / "validation", seeds.Domain.VALIDATION)
    stages = [one_image(stage, steps) for stage in STAGES if stage.name in variant.stages]
    changed = {"variant": name, "crop_loss": variant.crop_loss()}
    recipe = variant.recipe(glean, pool, validation, stages=stages, history=history, fresh=False, **changed)
    Loop(recipe, folder).run()
    return folder / "weights.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and train every variant."""
    parser = argparse.ArgumentParser(prog="scripts.compare_variants", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for name in given.only:
        logging.info("%s", name)
        train(name, given.out, given.steps)


if __name__ == "__main__":
    main()
