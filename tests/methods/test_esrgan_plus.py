"""esrgan+: its cost beside GLEAN's, its losses in float64, its file, its recipe and its adapter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.base.counting import count_macs
from bench.base.errors import AssetError, MethodError, UsageError
from bench.base.types import Category
from bench.images.degradation import resize_matrix, resize_tensor
from bench.registry.methods import create
from methods import esrgan_plus
from methods.esrgan_plus import recipe, weightfile
from methods.esrgan_plus.network import CropRequest, EsrganPlusNet
from methods.esrgan_plus.weightfile import NetworkConfig
from methods.glean import recipe as glean_recipe
from methods.glean.embedded import EmbeddedGlean
from methods.shared import banks, weight_files
from methods.shared.networks.consistency import consistent
from methods.shared.training import plan_stages, sample_grid, state, train
from methods.shared.training.crops import CropBox, crop, crop_target, draw_box, trim_border
from methods.shared.training.loop import Loop
from methods.shared.training.losses import relativistic_discriminator_loss, relativistic_generator_loss
from methods.shared.training.pool import Pool
from methods.shared.training.recipe import Stage
from methods.shared.training.step import Step
from tests.methods.common import loaded
from tests.methods.inverting import Pooled, pooled_distance

TINY = NetworkConfig(width=8, growth=4, blocks=1, widest=16, narrowing=(8,))


def randomised(sides):
    """Return a network to 32 pixels with random weights in every layer."""
    torch.manual_seed(0)
    network = EsrganPlusNet(sides, 32, TINY)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.1 * torch.randn_like(value))
    return network


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The path of a network for 8 and 4 pixels to 32, with random weights in every layer."""
    network = randomised((8, 4))
    path = tmp_path_factory.mktemp("network") / "mine.safetensors"
    weightfile.write(path, network, dict(network.named_parameters()), {"trained with": ["lite0"]})
    return path


def test_it_costs_what_the_embedded_glean_does_within_15_per_cent():
    glean = EmbeddedGlean(banks.load("mobilestylegan")).requires_grad_(False)
    own = EsrganPlusNet(glean.inputs, 1024).requires_grad_(False)
    for side in glean.inputs:
        lr = torch.zeros(1, 3, side, side)
        _, theirs = count_macs(lambda lr=lr: glean(lr))
        _, ours = count_macs(lambda lr=lr: own(lr))
        assert theirs > 1e10
        assert ours == pytest.approx(theirs, rel=0.15), side
    assert 2 * sum(value.numel() for value in own.parameters()) < 8e6


def test_its_stages_see_as_many_images_as_gleans():
    theirs = {stage.name: (stage.steps, stage.batch) for stage in glean_recipe.STAGES if stage.name != "latents"}
    assert {stage.name: (stage.steps, stage.batch) for stage in recipe.STAGES} == theirs
    assert [stage.relativistic for stage in recipe.STAGES] == [False, False, False, True]


def test_the_relativistic_losses_equal_a_computation_in_float64():
    rng = np.random.default_rng(8)
    real, fake = rng.standard_normal((5, 1)), rng.standard_normal((5, 1))
    given = [torch.from_numpy(scores).float() for scores in (real, fake)]
    wanted = relativistic(real, fake)
    assert relativistic_discriminator_loss(*given).item() == pytest.approx(wanted, rel=1e-5)
    wanted = relativistic(fake, real)
    assert relativistic_generator_loss(*given).item() == pytest.approx(wanted, rel=1e-5)


def relativistic(more, less):
    """Return in float64 how far scores are from looking more real than others."""

    def entropy(logits, wanted):
        p = 1 / (1 + np.exp(-logits))
        return -(np.log(p) if wanted else np.log(1 - p)).mean()

    return (entropy(more - less.mean(), True) + entropy(less - more.mean(), False)) / 2


def test_it_begins_as_the_nearest_image_to_bicubic_that_shrinks_to_the_lr():
    network, lr = EsrganPlusNet((8, 4), 32, TINY), torch.rand(1, 3, 8, 8) * 2 - 1
    made, plain = network(lr).image, resize_tensor(lr, 32, 32)
    torch.testing.assert_close(resize_tensor(made, 8, 8), lr, rtol=0, atol=1e-5)
    # the nearest image differs by nothing that the shrinking does not see: shrunk, the difference is all there is
    down = torch.from_numpy(resize_matrix(32, 8))
    seen = torch.linalg.pinv(down) @ down
    moved = (made - plain).detach().double()
    torch.testing.assert_close(seen @ moved @ seen.T, moved, rtol=0, atol=1e-5)
    assert moved.abs().max() > 0.01
    assert network(lr, 16).image.shape == (1, 3, 16, 16)
    with pytest.raises(MethodError, match="was not made for this LR: got 16 pixels"):
        network(torch.rand(1, 3, 16, 16))


def test_a_piece_is_the_same_place_of_the_result():
    network, lr = randomised((4,)), torch.rand(2, 3, 4, 4) * 2 - 1
    start, of = network.middle // 2, torch.tensor([False, True])
    image, whole = network(lr, None, CropRequest(of, CropBox(0, 0, start)))
    assert image.equal(network(lr).image)
    torch.testing.assert_close(consistent(whole, lr[1:]), image[1:], rtol=0, atol=1e-5)
    box = CropBox(1, 2, 6)
    piece = network(lr, 16, CropRequest(of, box)).crop
    wanted = crop(whole, box, start)
    torch.testing.assert_close(trim_border(piece, box), trim_border(wanted, box), rtol=0, atol=1e-5)
    assert not torch.allclose(piece, wanted, atol=1e-5)  # its rim sees padding


def test_a_file_is_read_back(weights, tmp_path):
    lr = torch.rand(1, 3, 8, 8)
    one, other = weightfile.read(weights), weightfile.read(weights)
    assert one(lr).image.equal(other(lr).image)
    assert weightfile.read_metadata(weights).inputs == (4, 8)
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(AssetError, match="not a whole weight file"):
        weightfile.read_metadata(torn)
    with pytest.raises(AssetError, match="does not fit the network"):
        weight_files.load(EsrganPlusNet((8, 4), 32), weights)


def test_the_adapter_restores_and_repeats_bit_for_bit(weights):
    lr = torch.rand(2, 3, 8, 8)
    method = loaded(f"esrgan+[weights={weights}]")
    given = batch(lr, 4)
    one, again = method.restore(given).sr, method.restore(given).sr
    assert one.equal(again)
    assert one.shape == (2, 3, 32, 32)
    shrunk = resize_tensor(one, 8, 8)
    assert (shrunk - lr).abs().mean() < 0.05  # but for what clipping takes away
    assert method.training_metrics == ("lite0",)


def batch(lr, factor):
    from bench.base.types import Batch

    return Batch(lr, factor, ("a", "b")[: len(lr)], tuple(range(len(lr))), Category("c", None))


def test_what_it_supports_and_how_it_is_missing(weights, monkeypatch, tmp_path):
    method, category = create(f"esrgan+[weights={weights}]").method, Category("c", None)
    assert method.supports((8, 8), (32, 32), 4, category) is None
    assert "8 to 32 pixels, not 16 to 64" in method.supports((16, 16), (64, 64), 4, category)
    assert "square" in method.supports((8, 4), (32, 16), 4, category)
    monkeypatch.setattr(esrgan_plus, "SHIPPED", {"embedded": tmp_path / "none.safetensors"})
    with pytest.raises(AssetError, match=r"bench train esrgan\+ --out"):
        create("esrgan+")
    with pytest.raises(UsageError, match=r"no weight file of esrgan\+"):
        create(f"esrgan+[weights={tmp_path / 'mine.safetensors'}]")


def test_the_recipe_trains_every_stage_with_gleans_loop(small, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_grid, "SAMPLES", 2)
    made = recipe.recipe(str(small), (4, 8), None, tmp_path)
    assert made.network.sizes == (16, 32)
    made.network = EsrganPlusNet((8, 4), 32, TINY)
    made.pool = Pool(made.pool.samples, first=8, growth=0, augment_prob=0.0)
    made.discriminator = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Flatten(), torch.nn.Linear(16, 1)
    )
    stages = plan_stages(recipe.STAGES, {stage.name: 1 for stage in recipe.STAGES})
    names = {stage.name: set(made.terms(made.network, stage, Step(0, 0)).losses) for stage in stages}
    assert names == {
        "base": {"pixel"},
        "middle": {"pixel"},
        "full": {"pixel", "crop pixel"},
        "adversarial": {"pixel", "perceptual", "crop pixel", "crop perceptual", "crop lpips_vgg"},
    }
    # A middle below the result has an image layer of its own, and the result's must learn all the same.
    made.network = EsrganPlusNet((4,), 32, TINY)
    made.pool = replace(made.pool, samples=replace(made.pool.samples, sides=(4,)))
    made.stages = (
        Stage("base", 3, 4, 1e-3),
        Stage("adversarial", 1, 2, 1e-4, adversarial=True, relativistic=True),
    )
    judge = made.discriminator[0].weight.clone()
    last = made.network.images["32"][2].weight
    assert not last.any()
    Loop(made, tmp_path, cpu=True).run()
    assert last.any()
    assert not made.discriminator[0].weight.equal(judge)
    said = weightfile.read_metadata(tmp_path / "weights.safetensors")
    assert said.history["trained with"] == ["dists", "lite0", "lpips_vgg"]
    done = loaded(f"esrgan+[weights={tmp_path / 'weights.safetensors'}]").restore(batch(torch.rand(1, 3, 4, 4), 8))
    assert done.sr.shape == (1, 3, 32, 32)


def test_the_name_with_a_plus_finds_its_recipe(tmp_path):
    with pytest.raises(UsageError, match="unknown stage 'latents'"):
        train("esrgan+", "mobilestylegan", (16,), None, tmp_path, steps={"latents": 1})


class Means(torch.nn.Module):
    """A loss network that can be computed by hand."""

    name, contaminated_metrics = "means", ()

    def forward(self, image, truth):
        return Pooled().distance(Pooled()(image), Pooled()(truth))


def last_stage(path, folder):
    """Return a recipe in one step of its last stage, whose every loss can be computed by hand."""
    made = recipe.recipe(str(path), (8,), None, folder)
    made.network, made.perceptual_loss, made.crop_loss = randomised((4,)), Means(), Means()
    made.discriminator = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 1))
    made.stages = (replace(recipe.STAGES[-1], steps=1, batch=2),)
    made.pool = Pool(made.pool.samples, first=8, growth=0, augment_prob=0.0)
    return made


def test_the_whole_loss_of_the_last_stage_equals_a_computation_in_float64(small, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_grid, "SAMPLES", 1)
    made = last_stage(small, tmp_path)
    draw = made.pool.draw(Step(0, 0), 2, 4, 16)
    box = draw_box(0, 8)
    image, piece = made.network(draw.lr, 16, CropRequest(draw.sampled, box))
    truth = crop_target(draw, box, 8)
    pairs = [(image, draw.hr), (trim_border(piece, box), trim_border(truth, box))]
    pairs = [[image.detach().double().numpy() for image in pair] for pair in pairs]
    wanted = sum(1e-2 * np.abs(one - other).mean() + 1.0 * pooled_distance(one, other) for one, other in pairs)
    weight, bias = (value.detach().double().numpy() for value in made.discriminator[1].parameters())
    fake, real = (image.reshape(2, -1) @ weight.T + bias for image in pairs[1])  # a piece is one patch here
    wanted += pooled_distance(*pairs[1])  # that of the patch
    wanted += 3e-2 * relativistic(fake, real)
    Loop(made, tmp_path, cpu=True).run()
    point = state.load(tmp_path / "state.pt", made.identity).curve[0]
    losses = {name: value for name, value in point.items() if name not in ("step", "images", "stage")}
    assert losses.pop("discriminator") == pytest.approx(relativistic(real, fake), rel=1e-4)
    assert sum(losses.values()) == pytest.approx(wanted, rel=1e-4)


def test_photographs_alone_are_weighted_as_the_last_stage_is_and_not_judged(small, tmp_path):
    made = last_stage(small, tmp_path)
    photographs = [made.pool.samples[index]._replace(latent=None, full=None) for index in range(2)]
    made.pool = replace(made.pool, photographs=photographs)
    draws = ((step, made.pool.draw(Step(step, 0), 2, 4, 16)) for step in range(99))
    step, draw = next((step, draw) for step, draw in draws if not draw.sampled.any())
    pair = [image.detach().double().numpy() for image in (made.network(draw.lr, 16).image, draw.hr)]
    terms = made.terms(made.network, made.stages[0], Step(step, 0))
    losses = {name: value.item() for name, value in terms.losses.items()}
    assert losses == pytest.approx(
        {"pixel": 1e-2 * np.abs(pair[0] - pair[1]).mean(), "perceptual": pooled_distance(*pair)}, rel=1e-4
    )
    assert terms.fake is terms.real is None
