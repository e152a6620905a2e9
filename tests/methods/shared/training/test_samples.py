"""What a training draws: never a held-out face, always the same for one step, LR as the protocol makes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bench.base.errors import ImageError, UsageError
from bench.base.seeds import Domain, normal
from bench.images.degradation import make_lr, resize_matrix
from bench.images.png import to_pixels
from methods.shared import banks
from methods.shared.training.augmentation import warp
from methods.shared.training.pool import Pool
from methods.shared.training.samples import CAPACITY, TOGETHER, Item, Samples, read_folder, to_signed
from methods.shared.training.step import Step
from tests.conftest import photo


def test_no_held_out_sample_can_be_drawn(bank):
    with pytest.raises(UsageError, match="got HELD_OUT, expected TRAINING"):
        Samples(bank, 256, (16,), None, Domain.HELD_OUT)
    held = {normal(Domain.HELD_OUT, index, (4,)).tobytes() for index in range(2048)}
    for domain in (Domain.TRAINING, Domain.VALIDATION):
        assert not held & {normal(domain, index, (4,)).tobytes() for index in range(2048)}


def test_a_latent_is_its_index_between_the_truncations(bank):
    samples = Samples(bank, 256, (16,), None)
    for index in (0, 77):
        given, whole = samples.latent(index), bank.sample([index], Domain.TRAINING, 1.0)
        spreads = (given - bank.mean_latent) / (whole - bank.mean_latent)
        assert Samples.TRUNCATION[0] <= float(spreads.median()) <= Samples.TRUNCATION[1]
        torch.testing.assert_close(spreads, spreads.median().expand_as(spreads), rtol=0, atol=2e-2)


def test_a_sample_is_kept_as_it_was_made_and_a_damaged_one_is_made_again(bank, tmp_path):
    samples = Samples(bank, 256, (16, 64), tmp_path, keep_full=True)
    made = samples[0]
    full = made.full
    assert not made.warped
    with torch.no_grad():
        image = to_pixels((bank.synthesise(samples.latent(0)).image[0] + 1) / 2)
    # The same face with noise of its own above 128 pixels.
    assert 0.1 < np.abs(full.astype(float) - image).mean() < 8
    assert np.abs(made.hr - image.reshape(256, 4, 256, 4, 3).astype(float).mean((1, 3))).mean() < 4
    np.testing.assert_array_equal(made.lr[16], make_lr(full, 64))
    blocks = full.reshape(256, 4, 256, 4, 3).astype(float).mean((1, 3))
    assert np.abs(made.hr - blocks).max() <= 0.5
    path = tmp_path / f"{bank.digest[:8]}-256" / "0000000.npz"
    content = path.read_bytes()
    again = samples[0]
    assert path.read_bytes() == content
    np.testing.assert_array_equal(again.hr, made.hr)
    path.write_bytes(content[:1000])
    np.testing.assert_array_equal(samples[0].lr[64], made.lr[64])
    assert replace(samples, keep_full=False)[0].full is None


def test_a_sample_is_the_same_inside_and_outside_of_mixed_precision(bank, tmp_path):
    plain = Samples(bank, 256, (16, 64), None)[7]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = Samples(bank, 256, (16, 64), tmp_path)[7]
        rough = bank.synthesise(torch.from_numpy(plain.latent)[None], stop_at=64).features[64]
    np.testing.assert_array_equal(mixed.hr, plain.hr)
    np.testing.assert_array_equal(mixed.latent, plain.latent)
    for side in (16, 64):
        np.testing.assert_array_equal(mixed.lr[side], plain.lr[side])
    with torch.no_grad():
        exact = bank.synthesise(torch.from_numpy(plain.latent)[None], stop_at=64).features[64]
    assert (rough - exact).abs().max() > 1e-3 * exact.abs().max()  # it would have made a difference


def test_a_pool_never_mixes_banks_or_sizes(bank, small, tmp_path):
    made = Samples(bank, 256, (16,), tmp_path)[0]
    halved = Samples(bank, 128, (16,), tmp_path)[0]
    other = Samples(banks.load(str(small)), 32, (16,), tmp_path)[0]
    assert [item.hr.shape[0] for item in (made, halved, other)] == [256, 128, 32]
    assert [len(item.latent) for item in (made, halved, other)] == [512, 512, 24]
    np.testing.assert_array_equal(Samples(bank, 256, (16,), tmp_path)[0].hr, made.hr)


class Known:
    """Samples that are there already."""

    def __init__(self, bank) -> None:
        self.bank = bank
        self.asked: list[int] = []

    def __getitem__(self, index: int) -> Item:
        self.asked.append(index)
        hr = photo(index % 5, 64, 64)
        return Item(hr, {16: make_lr(hr, 4)}, np.full(512, index, np.float32))


class Warped(Known):
    """The same, warped."""

    def __getitem__(self, index: int) -> Item:
        return super().__getitem__(index)._replace(warped=True)


class Small(Known):
    """The same at half the size."""

    def __getitem__(self, index: int) -> Item:
        return super().__getitem__(index)._replace(hr=photo(index % 5, 32, 32))


def test_a_step_draws_the_same_again_from_a_range_that_grows(bank):
    known = Known(bank)
    pool = Pool(known, first=3, growth=1 / 16, capacity=6)
    first, second = pool.draw(Step(4, 32), 8, 16, 32), pool.draw(Step(4, 32), 8, 16, 32)
    for one, other in zip(first[:5], second[:5], strict=True):
        assert torch.equal(one, other)
    assert first.augmentations == second.augmentations
    assert not torch.equal(first.lr, pool.draw(Step(5, 32), 8, 16, 32).lr)
    assert not torch.equal(first.lr, pool.draw(Step(4, 32, 1, 2), 8, 16, 32).lr)
    assert max(known.asked) <= 4
    known.asked.clear()
    replace(pool, past=100).draw(Step(4, 32), 8, 16, 32)
    assert 100 <= min(known.asked) <= max(known.asked) <= 104
    known.asked.clear()
    for shard in range(20):
        pool.draw(Step(50, 400, shard, 20), 8, 16, 32)
    assert set(known.asked) == set(range(22, 28))  # the last six of 3 + 400 / 16
    assert pool.end(400) == 28
    assert first.hr.shape == (8, 3, 32, 32)


def test_recoloured_and_mirrored_pairs_still_belong_together(bank):
    draw = Pool(Known(bank), first=5, augment_prob=1.0).draw(Step(1, 16), 16, 16, 64)
    assert not draw.exact.any()
    assert {change.mirrored for change in draw.augmentations} == {True, False}
    down = resize_matrix(64, 16)
    again = np.einsum("oh,nchw,pw->ncop", down, draw.hr.double().numpy(), down)
    # Clipping and rounding alone part them: two 8-bit steps in the mean, where nothing was clipped much less.
    assert np.abs(again - draw.lr.numpy()).mean() < 2 / 127.5
    plain = Pool(Known(bank), first=5, augment_prob=0.0).draw(Step(1, 16), 16, 16, 64)
    assert plain.exact.all()
    assert (plain.lr - draw.lr).abs().mean() > 0.02


def test_a_third_of_the_samples_is_warped_at_full_size_and_none_of_them_is_exact(bank):
    samples = Samples(bank, 256, (16,), None, keep_full=True)
    draws = np.array([np.random.default_rng(index).random() for index in range(4096)])
    assert 0.33 < (draws < Samples.WARP_PROB).mean() < 0.39
    warped = int((draws < Samples.WARP_PROB).argmax())
    item = samples[warped]
    with torch.no_grad():
        plain = to_pixels((bank.synthesise(samples.latent(warped)).image[0] + 1) / 2)
    assert item.warped
    assert np.abs(item.full.astype(float) - plain).mean() > 5
    np.testing.assert_array_equal(item.lr[16], make_lr(item.full, 64))
    # As sharp as what it was made of: the mean step to the next pixel.
    steps = [np.abs(np.diff(image.astype(float), axis=1)).mean() for image in (item.full, plain)]
    assert steps[0] == pytest.approx(steps[1], rel=0.15)
    pool = Pool(Warped(bank), first=5, augment_prob=0.0)
    draw = pool.draw(Step(0, 0), 4, 16, 64)
    assert draw.sampled.all()
    assert not draw.exact.any()


def test_a_bent_image_is_another_one_of_the_same_stuff():
    image = photo(2, 64, 64)
    one, other = (to_pixels((warp(to_signed(image), seed) + 1) / 2) for seed in (1, 2))
    assert np.array_equal(one, to_pixels((warp(to_signed(image), 1) + 1) / 2))
    moved = np.abs(one.astype(int) - image).mean()
    assert 2 < moved < np.abs(image[::-1].astype(int) - image).mean()
    assert np.abs(one.astype(int) - other).mean() > 2
    assert np.abs(one.mean((0, 1)) - image.mean((0, 1))).max() < 6


def test_a_users_images_are_cropped_and_shrunk(bank, tmp_path):
    image = photo(3, 80, 70)
    for name in ("deep", "folder.png", "@eaDir"):
        (tmp_path / name).mkdir()
    Image.fromarray(image).save(tmp_path / "deep" / "a.png")
    for name in ("._a.png", "@eaDir/a.png"):
        (tmp_path / name).write_bytes(b"no picture")
    (item,) = read_folder(tmp_path, 64, 32, (16,))
    crop = image[8:72, 3:67]
    np.testing.assert_array_equal(item.lr[16], make_lr(crop, 4))
    assert item.latent is None
    assert item.hr.shape == (32, 32, 3)
    draw = Pool(Small(bank), [item], first=5, augment_prob=0.0).draw(Step(0, 0), 32, 16, 32)
    assert 0 < int(draw.exact.sum()) < 32
    with pytest.raises(ImageError, match=r"too small .*got 70x80, expected at least 128x128, .*; leave it out"):
        read_folder(tmp_path, 128, 32, (16,))
    with pytest.raises(UsageError, match="no image to train on"):
        read_folder(tmp_path / "deep" / "none", 64, 32, (16,))


def test_an_accelerator_keeps_what_a_training_draws_from_and_no_more(bank, monkeypatch):
    """Of a range that moves on, the newest; and what is made just now, though it is the oldest."""
    asked = []

    def make(self, indices):
        asked.extend(indices)
        return [Item(np.full((1, 1, 3), index % 256, np.uint8), {}) for index in indices]

    monkeypatch.setattr(Samples, "_make", make)
    drawn = Samples(bank, 256, (16,), None)
    for index in range(100, 100 + 2 * CAPACITY, TOGETHER):
        assert drawn._resident_item(index).hr[0, 0, 0] == index % 256
    kept = sorted(drawn._resident)
    assert len(kept) == CAPACITY // TOGETHER + 1
    assert kept[-1] == (100 + 2 * CAPACITY - TOGETHER) // TOGETHER * TOGETHER
    made = len(asked)
    for index in range(2 * CAPACITY - CAPACITY + 100, 2 * CAPACITY + 100, TOGETHER):
        drawn._resident_item(index)
    assert len(asked) == made, "the last that a training draws from are all there"
    assert drawn._resident_item(5).hr[0, 0, 0] == 5
    assert len(drawn._resident) == CAPACITY // TOGETHER + 1
