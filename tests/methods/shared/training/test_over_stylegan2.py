"""GLEAN trained over a StyleGAN2 file: every stage, export, the file read again; small banks, whose pieces are small."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch

from bench.base.seeds import Domain
from bench.base.types import Batch, Category
from bench.images.degradation import resize_matrix
from bench.registry.methods import build
from methods.glean import recipe as recipes
from methods.glean import weightfile
from methods.shared import banks, training
from methods.shared.training import crops, sample_grid
from methods.shared.training.crops import crop, draw_box, synthesise_crop, trim_border
from methods.shared.training.samples import Samples
from tests.methods.shared.banks import stylegan2_peer as peer
from tests.methods.shared.training.test_glean_recipe import TINY

pytestmark = pytest.mark.usefixtures("no_curves_picture")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Random StyleGAN2 files in the layout of BasicSR, by resolution."""
    folder = tmp_path_factory.mktemp("banks")
    for size in (32, 64):
        torch.save({"params_ema": peer.generator(size).state_dict()}, folder / f"{size}.pth")
    return {size: folder / f"{size}.pth" for size in (32, 64)}


# The smallest that a network allows: pieces start at 8 and 16.
@pytest.mark.parametrize(("size", "factors", "start"), [(32, (8,), 8), (64, (8, 16), 16)])
def test_every_stage_trains_and_the_weights_restore(size, factors, start, files, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_grid, "SAMPLES", 2)
    monkeypatch.setattr("methods.shared.training.recipe.FIRST_SAMPLES", 32)
    monkeypatch.setattr(recipes, "EmbeddedGlean", partial(recipes.EmbeddedGlean, shape=TINY))
    monkeypatch.setattr(crops, "DISCRIMINATOR_WIDTH", 16)
    steps = {"latents": 2, "base": 1, "middle": 1, "full": 2, "adversarial": 2}
    monkeypatch.setattr("methods.shared.training.loop.CURVE_STEPS", 1)
    data = folder if size == 64 else None  # photographs of a new category among the samples
    training.train("glean", str(files[size]), factors, data, tmp_path, steps=steps, cpu=True)
    rows = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    for stage, count in steps.items():
        assert sum(row["stage"] == stage for row in rows) == count
    pieces = [row["crop pixel"] for row in rows if "crop lpips_vgg" in row]  # none where all are photographs
    assert pieces
    assert min(pieces) > 0
    assert any("discriminator" in row for row in rows if row["stage"] == "adversarial")
    weights = tmp_path / "weights.safetensors"
    network = weightfile.read(weights, banks.load(str(files[size])))
    assert network.middle // 2 == start
    assert network.latents.guess.weight.abs().max() > 0
    method = build(f"glean[weights={weights},bank={files[size]}]")
    method.load(torch.device("cpu"))
    for factor in factors:
        lr = torch.rand(1, 3, size // factor, size // factor, generator=torch.Generator().manual_seed(0))
        sr = method.restore(Batch(lr, factor, ("a",), (0,), Category("mine", None))).sr
        with torch.no_grad():
            image = network(lr * 2 - 1).image
        torch.testing.assert_close(sr, ((image + 1) / 2).clamp(0, 1), rtol=0, atol=1e-5)
        down = torch.from_numpy(resize_matrix(size, size // factor))
        torch.testing.assert_close(down @ image.double() @ down.T, lr.double() * 2 - 1, rtol=0, atol=1e-4)
    # What goes on from these weights draws other samples.
    more = recipes.recipe(str(files[size]), factors, None, tmp_path / "more", weights)
    images = 2 * 32 + 1 * 6 + (1 + 2 + 2) * 4
    assert more.pool.past == 32 + images // 8


@pytest.mark.parametrize("start", [8, 16, 32, 64, 128])
def test_something_is_left_of_a_piece_of_any_size(start):
    for step in range(50):
        box = draw_box(step, start)
        assert 0 <= box.top <= start - box.side
        assert 0 <= box.left <= start - box.side
        piece = crop(torch.zeros(1, 3, 4 * start, 4 * start), box, start)
        assert piece.shape[-1] == 4 * box.side
        assert trim_border(piece, box).shape[-1] >= 16
    if start >= 32:
        assert box.side == start // 4


@torch.no_grad()
def test_a_piece_of_a_small_bank_is_that_piece_of_its_image(files):
    bank = banks.load(str(files[64]))
    latents = bank.sample([5], Domain.TRAINING, 0.7)
    whole, box = bank.synthesise(latents), draw_box(3, 16)
    piece = synthesise_crop(bank, latents, 16, whole.features[16], box, banks.bank_noise(bank))
    # Its image is a sum over resolutions, of which the piece has those above its start.
    below = bank.synthesise(latents, start=(16, whole.features[16])).image
    wanted = crop(below, box, 16)
    scale = whole.image.abs().max()
    assert box.side < 16
    error = (piece - wanted).abs() / scale
    assert error.max() > 0.1  # the padding at the cut
    assert trim_border(error, box).max() < 1e-2  # measured: 0.004
    assert error[..., 10:-10, 10:-10].max() < 1e-5  # measured: 2e-7


@torch.no_grad()
def test_samples_of_it_are_exact_in_mixed_precision(files):
    bank = banks.load(str(files[64]))
    samples = Samples(bank, 32, (8,), None, keep_full=True)
    plain = samples[1]
    with torch.autocast("cpu", torch.bfloat16):
        mixed, rough = samples[1], bank.synthesise(samples.latent(1)).image
    for one, other in ((plain.full, mixed.full), (plain.hr, mixed.hr), (plain.lr[8], mixed.lr[8])):
        np.testing.assert_array_equal(one, other)
    exact = bank.synthesise(samples.latent(1)).image
    assert (rough - exact).abs().max() > 1e-3 * exact.abs().max()  # it would have made a difference
