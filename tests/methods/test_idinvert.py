"""idinvert: its loss in float64, its encoder's file and training, and inversions of a small bank."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.base.errors import AssetError, UsageError
from bench.base.types import Category
from bench.registry.methods import build, create
from methods.idinvert import forms, inverting, recipe, weightfile
from methods.idinvert.encoder import Encoder
from methods.idinvert.weightfile import NetworkConfig
from methods.shared import banks, weight_files
from methods.shared.inversion.context import SearchContext
from methods.shared.training import sample_grid
from methods.shared.training.loop import Loop
from methods.shared.training.pool import Pool
from methods.shared.training.recipe import Stage
from methods.shared.training.step import Step
from tests.methods.common import loaded
from tests.methods.inverting import Pooled, check_divergence, downsampled, pooled_distance, target
from tests.methods.shared.banks import stylegan2_peer as peer

TINY = NetworkConfig(widths=(8, 8, 8, 8, 8), hidden=16, rank=2)


@pytest.fixture(scope="module")
def weights(small, tmp_path_factory):
    """The path of an encoder of the small bank, with random weights in every layer."""
    torch.manual_seed(0)
    bank = banks.load(str(small))
    encoder = Encoder(bank, TINY)
    with torch.no_grad():
        for value in encoder.parameters():
            value.add_(0.02 * torch.randn_like(value))
    path = tmp_path_factory.mktemp("encoder") / "weights.safetensors"
    weightfile.write(path, encoder, bank, dict(encoder.named_parameters()), {"trained with": ["lite2"]})
    return path


def test_the_loss_equals_a_computation_in_float64():
    rng = np.random.default_rng(7)
    made, lr = rng.random((1, 3, 8, 8)), rng.random((1, 3, 8, 8))
    latents, encoded = rng.standard_normal((1, 8, 24)), rng.standard_normal((1, 8, 24))
    wanted = ((2 * made - 2 * lr) ** 2).mean() + 0.123 + 2.0 * ((latents - encoded) ** 2).mean()
    one, other, w, e = (torch.from_numpy(array).float() for array in (made, lr, latents, encoded))
    assert inverting.objective(one, other, torch.tensor(0.123), w, e).item() == pytest.approx(wanted, rel=1e-5)


def test_the_encoder_serves_every_lr_size_and_begins_at_the_mean(small):
    bank = banks.load(str(small))
    bank.mean_latent.add_(0.5)
    for side in (4, 16, 64):
        latents = Encoder(bank, TINY)(torch.rand(2, 3, side, side))
        assert latents.shape == (2, *bank.latents)
        torch.testing.assert_close(latents, bank.mean_latent.expand_as(latents))


def test_the_encoder_of_the_embedded_bank_fits_in_four_megabytes():
    bank = SimpleNamespace(latents=(23, 512), mean_latent=torch.zeros(512))
    assert 2 * sum(value.numel() for value in Encoder(bank).parameters()) < 4e6


def test_an_inversion_halves_its_objective_and_repeats_bit_for_bit(small, light, weights):
    given = target(small, seeds=(1, 2))
    method = loaded(f"idinvert[bank={small},weights={weights},steps=40]")
    done, again = method.restore(given), method.restore(given)
    assert done.sr.equal(again.sr)
    assert done.values == again.values
    for value in done.values:
        assert value["objective"] <= 0.5 * value["objective_first"]
        assert (value["steps"], value["diverged"]) == (40, 0)
    assert method.training_metrics == ("lite0", "lite2")


def test_it_begins_where_the_encoder_says_and_ends_elsewhere(small, light, weights):
    given = target(small)
    bank = banks.load(str(small))
    encoder = weightfile.read(weights, bank)
    first = (bank.synthesise(encoder(2 * given.lr - 1)).image + 1) / 2
    done = loaded(f"idinvert[preset=paper,bank={small},weights={weights},steps=1]").restore(given)
    assert not done.sr.equal(first.clamp(0, 1))
    torch.testing.assert_close(done.sr, first.clamp(0, 1), rtol=0, atol=0.3)


def test_a_file_is_read_back_and_another_bank_refused(small, weights, tmp_path):
    bank = banks.load(str(small))
    said = weightfile.read_metadata(weights)
    assert (said.bank, said.resolution, said.shape.rank) == ("stylegan2", 32, 2)
    torch.save({"params_ema": peer.generator(32, width=24, seed=5).state_dict()}, tmp_path / "other.pth")
    with pytest.raises(AssetError, match=rf"got stylegan2 at 32, sha256 .{{8}}, expected .*{bank.digest[:8]}"):
        weightfile.read(weights, banks.load(str(tmp_path / "other.pth")))
    bank.resolution = 64
    with pytest.raises(AssetError, match="trained over another bank: got stylegan2 at 64"):
        weightfile.read(weights, bank)
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(AssetError, match="not a whole weight file"):
        weightfile.read_metadata(torn)
    with pytest.raises(AssetError, match="does not fit the network"):
        weight_files.load(Encoder(banks.load(str(small)), NetworkConfig()), weights)


def test_without_weights_it_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(forms, "SHIPPED", tmp_path / "none.safetensors")
    with pytest.raises(AssetError, match="bench train idinvert --out"):
        create("idinvert")
    with pytest.raises(UsageError, match="no weight file of idinvert"):
        create(f"idinvert[weights={tmp_path / 'mine.safetensors'}]")


def test_what_it_supports(small, weights):
    method = create(f"idinvert[bank={small},weights={weights}]").method
    assert method.supports((8, 8), (32, 32), 4, Category("c", None)) is None
    assert "at most 64 pixels" in method.supports((128, 128), (512, 512), 4, Category("c", None))


@pytest.mark.parametrize(
    ("bank", "fits"),
    [
        ("mobilestylegan", True),
        ("stylegan2-ffhq", False),
        ("stylegan1-ffhq-256", False),
        ("pggan:mine.pth", False),
        ("mobilestylegan.pth", False),
    ],
)
def test_an_encoder_of_another_bank_is_a_reason_before_anything_is_read(bank, fits):
    reason = build(f"idinvert[bank={bank}]").supports((16, 16), (1024, 1024), 64, Category("c", "faces"))
    said = f"was trained over mobilestylegan at 1024 pixels, not over {bank}; train one with `bench train idinvert"
    assert reason is None if fits else said in reason


def test_a_bank_of_another_size_is_seen_by_its_name(tmp_path):
    other = {"name": "stylegan2", "resolution": 1024, "digest": ""}
    bank = SimpleNamespace(**other, latents=(18, 512), mean_latent=torch.zeros(512))
    encoder = Encoder(bank, TINY)
    path = tmp_path / "weights.safetensors"
    weightfile.write(path, encoder, bank, dict(encoder.named_parameters()), {})
    assert weightfile.incompatibility_reason(path, "stylegan2-ffhq") is None
    assert weightfile.incompatibility_reason(path, "mine.pth") is None
    assert "not over stylegan2-cat" in weightfile.incompatibility_reason(path, "stylegan2-cat")


def test_the_recipe_trains_every_stage_and_writes_what_the_method_reads(small, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_grid, "SAMPLES", 2)
    made = recipe.recipe(str(small), (4, 8), None, tmp_path)
    assert [stage.name for stage in made.stages] == ["latents", "domain", "adversarial"]
    assert made.sides == (4, 8)
    made.pool = Pool(made.pool.samples, first=32, growth=0)
    made.network = Encoder(made.bank, TINY)
    names = {stage.name: set(made.terms(made.network, stage, Step(0, 0)).losses) for stage in made.stages}
    assert names["latents"] == {"latent"}
    assert names["domain"] == names["adversarial"] == {"latent", "pixel", "perceptual"}
    fake = made.terms(made.network, made.stages[2], Step(0, 0))
    assert fake.fake.shape == fake.real.shape == (8, 3, 32, 32)
    assert made.crop_loss is None
    assert made.contaminated_metrics("adversarial") == ["lite0"]
    made.stages = (Stage("latents", 2, 4, 1e-3), Stage("domain", 1, 2, 1e-3))
    before = made.network.shared.weight.clone()
    Loop(made, tmp_path, cpu=True).run()
    assert made.network.guess.weight.abs().max() > 0  # fitted before the first step
    assert not made.network.shared.weight.equal(before)
    read = weightfile.read(tmp_path / "weights.safetensors", made.bank)
    lr = torch.rand(1, 3, 8, 8)
    assert read(lr).shape == (1, *made.bank.latents)
    history = weightfile.read_metadata(tmp_path / "weights.safetensors").history
    assert history["trained with"] == ["lite0"]
    assert (history["images"], history["samples"]) == (2 * 4 + 2, 32)
    monkeypatch.setattr(recipe, "Encoder", partial(Encoder, shape=TINY))
    on = recipe.recipe(str(small), (4, 8), None, tmp_path / "on", start=tmp_path / "weights.safetensors")
    assert on.pool.past == 32, "a training that goes on draws samples that those before it have not drawn"


@pytest.mark.parametrize(("network", "weight"), [("vgg16", 0.17), ("lite0", 0.05)])
def test_an_inversion_begins_with_the_loss_of_its_network_in_float64(small, weights, network, weight):
    bank = banks.load(str(small))
    context, encoder = SearchContext(bank, Pooled(10), network), weightfile.read(weights, bank)
    lr = target(small).lr
    _, values = inverting.run(context, encoder, lr, inverting.configure("paper", 1))
    latents = encoder(2 * lr - 1)
    made, wanted = downsampled(bank.synthesise(latents).image), lr.double().numpy()
    encoded = encoder(2 * torch.from_numpy(made).float() - 1)
    moved = ((encoded - latents).double().numpy() ** 2).mean()
    loss = ((2 * made - 2 * wanted) ** 2).mean() + weight * 10 * pooled_distance(made, wanted) + 2 * moved
    assert moved > 1e-3 * loss
    assert values["objective_first"] == pytest.approx(loss, rel=1e-4)


def test_the_weight_for_vgg16_is_the_published_one_for_inputs_of_0_to_255():
    """Features of layers of ReLU grow with their input: by 255 times the deviation that it is divided by here."""
    deviation = np.mean([0.229, 0.224, 0.225])
    assert inverting.PERCEPTUAL_WEIGHT["vgg16"] == pytest.approx(5e-5 * (255 * deviation) ** 2, rel=0.03)


def test_an_inversion_that_diverges_gives_its_best_and_says_so(small, light, weights, monkeypatch):
    monkeypatch.setitem(inverting.PRESETS, "paper", inverting.configure("paper")._replace(rate=1e6))
    check_divergence(loaded(f"idinvert[preset=paper,bank={small},weights={weights}]"), target(small), monkeypatch)
