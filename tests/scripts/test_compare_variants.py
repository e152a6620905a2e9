"""The comparison of variants: each changes what it says, from the same weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.glean import weightfile
from methods.shared import banks, weight_files
from methods.shared.training import sample_grid
from methods.shared.training.samples import Samples
from scripts import compare_variants
from scripts.compare_variants import START, VARIANTS, damage, network, train


@pytest.fixture(scope="module")
def bank():
    return banks.load("mobilestylegan")


def sampled(bank, name):
    return VARIANTS[name].samples(bank, 256, (64,), None)


@torch.no_grad()
def test_more_blocks_restore_as_the_shipped_weights_do_and_are_trained(bank):
    lr = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shipped, deeper = network(bank, 3), network(bank, 6)
    assert torch.equal(shipped(lr, 128).image, deeper(lr, 128).image)
    names = {name for name, value in deeper.named_parameters() if value.requires_grad}
    assert any(name.startswith("encoder.trunk.5.") for name in names)


@torch.no_grad()
def test_people_are_mixed_of_two(bank):
    once = bank.per_slot(Samples(bank, 256, (64,), None).latent(5))
    mixed = sampled(bank, "mixed").latent(5)
    same = [bool(torch.equal(mixed[:, slot], once[:, slot])) for slot in range(mixed.shape[1])]
    assert same[0]
    assert not same[-1]
    assert same == sorted(same, reverse=True)


def test_people_are_farther_from_the_mean(bank):
    spread = {
        name: np.mean([(sampled(bank, name).latent(i) - bank.mean_latent).norm().item() for i in range(16)])
        for name in ("as-it-is", "wider")
    }
    assert spread["wider"] / spread["as-it-is"] == pytest.approx(1.0 / 0.75, rel=0.1)


def test_damage_depends_on_the_sample_alone_and_keeps_the_picture():
    image = torch.linspace(-1, 1, 64).expand(3, 64, 64)
    once, other = damage(image, 1), damage(image, 2)
    assert torch.equal(once, damage(image, 1))
    assert not torch.equal(once, other)
    assert once.shape == image.shape
    assert once.min() >= -1
    assert once.max() <= 1
    assert (once - image).abs().mean() < 0.1


def test_a_damaged_or_warped_sample_is_no_image_of_its_latent(bank):
    assert sampled(bank, "damaged")[3].warped
    assert sampled(bank, "warped")[3].warped


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deeper", "no-bank-losses", "conv4_3"])
def test_a_variant_is_a_weight_file_that_glean_reads(tmp_path, monkeypatch, name):
    monkeypatch.setattr(sample_grid, "SAMPLES", 1)
    monkeypatch.setattr(compare_variants, "FIRST", 2)
    monkeypatch.setattr(sample_grid, "_plot", lambda *_: None)
    metadata = weightfile.read_metadata(train(name, tmp_path, 1))
    start = weightfile.read_metadata(START)
    assert metadata.shape == replace(start.shape, blocks=VARIANTS[name].blocks)
    assert metadata.history[weight_files.PREVIOUS_STEPS] == weight_files.steps(start.history)
