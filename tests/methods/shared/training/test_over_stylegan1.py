"""Training over a StyleGAN in idinvert's layout, whose samples have a latent of their own for every slot."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from methods.glean import recipe as glean
from methods.glean import weightfile as glean_file
from methods.idinvert import recipe as idinvert
from methods.idinvert import weightfile as idinvert_file
from methods.idinvert.weightfile import NetworkConfig
from methods.shared import banks, training
from methods.shared.training import crops, sample_grid
from methods.shared.training import recipe as recipes
from methods.shared.training.latents import fit_to_pool
from methods.shared.training.losses import by_slot, latent_loss
from methods.shared.training.pool import Pool
from methods.shared.training.samples import Samples, read_folder
from methods.shared.training.step import Step
from tests.methods.shared.banks import released_peer
from tests.methods.shared.training.test_glean_recipe import TINY

ENCODER = NetworkConfig(widths=(8, 8, 8, 8, 8), hidden=16, rank=2)
SLOTS, WIDTH = 8, 4
pytestmark = pytest.mark.usefixtures("no_curves_picture")


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """The name of a bank of 32 pixels."""
    path = tmp_path_factory.mktemp("bank") / "generator.pth"
    torch.save(released_peer.idinvert((4, 4, 4, 4), WIDTH), path)
    return f"stylegan1:{path}"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Make everything that a training does once small."""
    monkeypatch.setattr(sample_grid, "SAMPLES", 2)
    monkeypatch.setattr(recipes, "FIRST_SAMPLES", 32)
    monkeypatch.setattr(crops, "DISCRIMINATOR_WIDTH", 16)
    monkeypatch.setattr(idinvert, "capped", partial(idinvert.capped, cap=16))
    monkeypatch.setattr(glean, "EmbeddedGlean", partial(glean.EmbeddedGlean, shape=TINY))
    monkeypatch.setattr(idinvert, "Encoder", partial(idinvert.Encoder, shape=ENCODER))


def test_idinvert_trains_in_every_stage_and_its_file_is_read(bank, folder, tmp_path):
    steps = {"latents": 2, "domain": 1, "adversarial": 1}
    training.train("idinvert", bank, (4, 8), folder, tmp_path, steps=steps, cpu=True)
    encoder = idinvert_file.read(tmp_path / "weights.safetensors", banks.load(bank))
    assert encoder.guess.weight.abs().max() > 0
    assert encoder(torch.rand(1, 3, 8, 8)).shape == (1, SLOTS, WIDTH)


def test_glean_trains_in_every_stage_and_its_file_is_read(bank, tmp_path):
    steps = {"latents": 2, "base": 1, "middle": 1, "full": 1, "adversarial": 1}
    training.train("glean", bank, (8,), None, tmp_path, steps=steps, cpu=True)
    network = glean_file.read(tmp_path / "weights.safetensors", banks.load(bank))
    assert network(torch.rand(1, 3, 4, 4)).latents.shape == (1, SLOTS, WIDTH)


def test_what_is_drawn_and_kept_has_a_latent_a_slot(bank, folder, tmp_path):
    loaded = banks.load(bank)
    samples = Samples(loaded, 32, (4,), tmp_path)
    made, kept = samples[3], samples[3]
    assert made.latent.shape == (SLOTS, WIDTH)
    assert (made.latent == kept.latent).all()
    draw = Pool(samples, read_folder(folder, 32, 32, (4,)), first=4).draw(Step(0, 0), 16, 4, 32)
    assert draw.latents.shape == (16, SLOTS, WIDTH)
    assert not draw.latents[~draw.sampled].any()
    assert draw.sampled.any()
    assert (~draw.sampled).any()


def test_the_loss_compares_slot_with_slot():
    torch.manual_seed(0)
    made, truth, known = torch.randn(3, 5, 7), torch.randn(3, 5, 7), torch.tensor([True, False, True])
    wanted = ((made - truth).double() ** 2)[known].mean()
    torch.testing.assert_close(latent_loss(made, truth, known).double(), wanted, rtol=1e-5, atol=0)
    shared = truth[:, 0]
    repeated = shared[:, None].expand_as(made)
    assert latent_loss(made, shared, known).equal(latent_loss(made, repeated, known))
    assert by_slot(shared).shape == (3, 1, 7)


def test_the_guess_is_that_of_the_slots_mean(bank):
    loaded = banks.load(bank)
    pool = Pool(Samples(loaded, 32, (4,), None), first=32)
    found = torch.nn.Linear(768, WIDTH)
    fit_to_pool(found, pool, 4)
    # The level of a ridge regression is the mean of what it is fitted to.
    plain = [i for i in range(32) if not pool.samples[i].warped]
    seen = torch.stack([torch.from_numpy(pool.samples[i].lr[4]) for i in plain]).permute(0, 3, 1, 2)
    large = torch.nn.functional.adaptive_avg_pool2d(seen.float() / 127.5 - 1, 16).flatten(1)
    latents = torch.stack([pool.samples.latent(i)[0] for i in plain])
    with torch.no_grad():
        guessed = found(large).mean(0)
    torch.testing.assert_close(guessed, (latents.mean(1) - loaded.mean_latent).mean(0), rtol=1e-4, atol=1e-4)
