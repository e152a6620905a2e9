"""GLEAN's recipe on the real bank, with a small network and single steps."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch.nn import functional as F

from bench.base.errors import AssetError
from bench.base.files import file_digest
from bench.base.seeds import Domain
from bench.images.png import to_tensor
from methods.glean import weightfile
from methods.glean.embedded import EmbeddedGlean
from methods.glean.recipe import GleanRecipe
from methods.glean.weightfile import NetworkConfig
from methods.shared import banks, weight_files
from methods.shared.training import sample_grid
from methods.shared.training.augmentation import Augmentation
from methods.shared.training.crops import CropBox, crop_target, synthesise_crop
from methods.shared.training.latents import fit_guess
from methods.shared.training.loop import Loop
from methods.shared.training.losses import discriminator_loss, feature_loss, generator_loss, latent_loss
from methods.shared.training.perceptual_loss import lite0, vgg16
from methods.shared.training.pool import Pool
from methods.shared.training.recipe import Stage
from methods.shared.training.samples import Samples
from methods.shared.training.step import Step

TINY = NetworkConfig(trunk=8, growth=4, blocks=1, encoder=8, fusion=8, latent=16, slot_rank=2, decoder=32)
pytestmark = pytest.mark.usefixtures("no_curves_picture")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pool")


def tiny(bank, folder, stages, factors=(16, 64)) -> GleanRecipe:
    torch.manual_seed(0)
    network = EmbeddedGlean(bank, factors, TINY)
    pool = Pool(Samples(bank, network.middle, network.inputs, folder / "pool", keep_full=True), first=2, growth=0)
    validation = Samples(bank, network.middle, network.inputs, folder / "validation", Domain.VALIDATION)
    return GleanRecipe(network, pool, validation, lite0(), stages)


def test_a_piece_of_the_upper_bank_is_that_piece_of_its_image(bank):
    latents = bank.sample([5], Domain.TRAINING, 0.7)
    with torch.no_grad():
        whole = bank.synthesise(latents)
        piece = synthesise_crop(
            bank, latents, 128, whole.features[128], CropBox(40, 56, 32), banks.bank_noise(bank)
        )
    edge = 24  # what the padding at the cut can reach: three 3x3 pairs, doubled at every block
    wanted = whole.image[..., 320:576, 448:704][..., edge:-edge, edge:-edge]
    torch.testing.assert_close(piece[..., edge:-edge, edge:-edge], wanted, rtol=0, atol=2e-4)
    assert (piece - whole.image[..., 320:576, 448:704]).abs().max() > 1e-2


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_target_of_a_piece_is_that_piece_of_the_sample_as_it_was_drawn(mirrored, bank, folder):
    recipe = tiny(bank, folder, [])
    change = Augmentation(0.8, 0.9, 0.05, (1.0, 0.95, 1.05), mirrored=mirrored)
    draw, full = recipe.pool.draw(Step(0, 0), 1, 64, 256), recipe.pool.samples[0].full
    target = crop_target(draw._replace(full=(full,), augmentations=(change,)), CropBox(40, 56, 32), 128)
    wanted = change(to_tensor(full)[0] * 2 - 1)[None, :, 320:576, 448:704]
    torch.testing.assert_close(target, wanted)
    assert torch.equal(
        crop_target(draw._replace(full=(None, full), augmentations=(None, change)), CropBox(40, 56, 32), 128),
        target,
    )


def test_the_linear_guess_finds_a_linear_map():
    generator = torch.Generator().manual_seed(0)
    seen, truth = torch.randn(400, 20, generator=generator) + 3, torch.randn(20, 5, generator=generator)
    layer = torch.nn.Linear(20, 5)
    fit_guess(layer, seen, seen @ truth + 0.5)
    with torch.no_grad():
        left = layer(seen) - (seen @ truth + 0.5)
    assert left.square().mean() < 1e-3 * (seen @ truth).var()


def test_every_stage_trains_what_it_is_for(bank, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_grid, "SAMPLES", 1)
    stages = [Stage("latents", 1, 2, 1e-3), Stage("middle", 1, 1, 1e-3), Stage("full", 1, 1, 1e-3)]
    recipe = tiny(bank, folder, stages)
    recipe.pool = Pool(recipe.pool.samples, first=2, growth=0, augment_prob=0.0)
    names = [set(recipe.terms(recipe.network, stage, Step(0, 0)).losses) for stage in stages]
    assert names[0] == {"latent"}
    assert names[1] == {"latent", "pixel", "perceptual", "feature"}
    assert names[2] == names[1] | {"crop pixel", "crop perceptual", "crop lpips_vgg"}
    frozen = {name: value.clone() for name, value in bank.state_dict().items()}
    before = recipe.network.latents.shared.weight.clone()
    Loop(recipe, tmp_path, cpu=True).run()
    assert not torch.equal(before, recipe.network.latents.shared.weight)
    assert all(torch.equal(value, frozen[name]) for name, value in bank.state_dict().items())


def test_a_resumed_training_is_the_uninterrupted_one(small, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_grid, "SAMPLES", 1)
    losses: dict[str, list[float]] = {"whole": [], "cut": []}
    loaded = banks.load(str(small))

    def watched(kind: str, steps: int) -> GleanRecipe:
        recipe = tiny(loaded, folder, [Stage("base", steps, 1, 1e-3)], (8,))
        plain = recipe.terms

        def terms(*arguments):
            result = plain(*arguments)
            losses[kind].append(float(sum(value.detach() for value in result.losses.values())))
            return result

        recipe.terms = terms
        return recipe

    monkeypatch.setattr("methods.shared.training.loop.schedule", lambda step, steps: 1.0)
    Loop(watched("whole", 6), tmp_path / "whole", cpu=True).run()
    cut = Loop(watched("cut", 6), tmp_path / "cut", cpu=True)
    monkeypatch.setattr("methods.shared.training.loop.SAVE_SECONDS", -1.0)
    step = cut._step
    cut._step = lambda *arguments: (
        step(*arguments) if arguments[2].step < 3 else (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    Loop(watched("cut", 6), tmp_path / "cut", cpu=True).run()
    assert losses["cut"] == pytest.approx(losses["whole"], rel=1e-4)
    assert len(set(losses["whole"])) == 6


def test_the_losses_are_what_they_say():
    scores = torch.tensor([[0.0], [2.0]])
    ones = torch.log1p(torch.exp(torch.tensor([0.0, -2.0], dtype=torch.float64))).mean().item()
    assert generator_loss(scores).item() == pytest.approx(ones, rel=1e-6)
    tens = torch.log1p(torch.exp(torch.tensor([0.0, 2.0], dtype=torch.float64))).mean().item()
    assert discriminator_loss(scores, scores).item() == pytest.approx(ones + tens, rel=1e-6)
    made, truth = torch.zeros(2, 3, 4), torch.stack([torch.ones(4), torch.full((4,), 9.0)])
    assert latent_loss(made, truth, torch.tensor([True, False])).item() == pytest.approx(1.0)
    assert latent_loss(made, truth, torch.tensor([False, False])).item() == 0
    features = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    shifted = features + features.std((0, 2, 3), keepdim=True)
    assert feature_loss(shifted, features, torch.tensor([True, True])).item() == pytest.approx(1.0, rel=0.01)


def test_perceptual_distances_grow_with_the_difference_and_reach_the_image():
    torch.manual_seed(0)
    plain = torchvision.models.vgg16()
    weights = plain.state_dict()
    truth = torch.rand(1, 3, 64, 64) * 2 - 1
    for network in (lite0(), vgg16(weights)):
        near, far = truth + 0.05 * torch.randn_like(truth), F.avg_pool2d(truth, 3, 1, 1)
        assert network(truth, truth).item() == pytest.approx(0, abs=1e-8)
        assert 0 < network(near, truth).item() < network(far, truth).item()
        moved = far.clone().requires_grad_()
        network(moved, truth).backward()
        assert moved.grad.abs().max() > 0
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    one, other = (plain.features[:22](((image + 1) / 2 - mean) / deviation) for image in (far, truth))  # conv4_3
    wanted = 1e-2 * (one - other).square().mean().item()
    assert vgg16(weights)(far, truth).item() == pytest.approx(wanted, rel=1e-4)


def test_a_mark_of_the_start_file_is_never_lost(bank, folder, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    begin = tiny(bank, folder, [])
    weights = dict(begin.network.named_parameters())
    weightfile.write(first, begin.network, weights, {"steps": 7, "trained with": ["lite0"]})
    recipe = tiny(bank, folder, [])
    recipe.perceptual_loss = vgg16(torchvision.models.vgg16().state_dict())
    assert recipe.identity != begin.identity
    recipe.history = weight_files.initial_history(first, weightfile.read_metadata, 5)
    recipe.export(weights, second, {"steps": 3, "images": 12, "stage": "middle"})
    said = weightfile.read_metadata(second).history
    assert said == {
        "started from": file_digest(first),
        "steps before": 7,
        "steps": 3,
        "images": 12,
        "stage": "middle",
        "samples": recipe.pool.end(12),
        "trained with": ["dists", "lite0", "lpips_vgg"],
    }
    assert weight_files.initial_history(second, weightfile.read_metadata, 0)["steps before"] == 10
    assert weight_files.drawn_samples({}) == 0
    assert weight_files.drawn_samples({"steps before": 700, "steps": 385}) == 1024 + 8 * 1085
    assert weight_files.initial_history(second, weightfile.read_metadata, 0)["samples"] == recipe.pool.end(12)
    assert weight_files.initial_history(None, weightfile.read_metadata, 2)["photographs"] == 2
    weightfile.write(first, begin.network, weights, {"photographs": 4})
    assert weight_files.initial_history(first, weightfile.read_metadata, 0)["photographs"] == 4
    with pytest.raises(AssetError, match="is not a whole weight file"):
        weight_files.initial_history(tmp_path / "none.safetensors", weightfile.read_metadata, 0)
