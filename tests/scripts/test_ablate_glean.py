"""The ablation: each variant lacks what it says and nothing else, and the table is about all of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from bench.base.seeds import Domain
from methods.glean import embedded
from methods.glean.weightfile import NetworkConfig
from methods.shared import banks
from methods.shared.training import sample_grid
from methods.shared.training.samples import Samples
from scripts import ablate_glean as ablation
from scripts.ablate_glean import evaluate, run, variants

LR = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
TINY = {
    "trunk": 8,
    "growth": 4,
    "blocks": 1,
    "encoder": 8,
    "fusion": 8,
    "latent": 16,
    "slot_rank": 2,
    "decoder": 32,
}


@pytest.fixture(scope="module")
def bank():
    return banks.load("mobilestylegan")


@pytest.fixture(scope="module")
def made(bank):
    networks = variants(bank)
    with torch.no_grad():
        for network in networks.values():  # their last layers begin at zero, where every part is silent
            generator = torch.Generator().manual_seed(1)
            for parameter in network.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
        return networks


@torch.no_grad()
def test_every_variant_lacks_what_it_says(bank, made):
    whole, latents = made["all parts"](LR, 128), made["no latents"](LR, 128).latents
    assert torch.equal(latents, bank.mean_latent.expand_as(latents))
    unfused = made["no encoder features"](LR, 128)
    plain = bank.synthesise(unfused.latents, stop_at=64).features
    assert all(torch.equal(unfused.features[r], plain[r]) for r in (4, 16, 64))
    assert not torch.equal(whole.features[16], plain[16])
    decoder = made["no decoder"].decoder
    before = made["no decoder"](LR, 128).image
    next(decoder.parameters()).add_(1)
    assert torch.equal(made["no decoder"](LR, 128).image, before)


def test_nothing_of_the_bank_is_left_without_it(bank, made, monkeypatch):
    monkeypatch.setattr(bank, "synthesise", None)
    with torch.no_grad():
        assert made["no bank"](LR, 128).image.shape == (1, 3, 128, 128)


def test_every_variant_restores_and_reaches_its_weights(made):
    for name, network in made.items():
        network.zero_grad()
        image = network(LR, 128).image
        assert image.shape == (1, 3, 128, 128)
        assert image.isfinite().all()
        image.square().mean().backward()
        assert network.encoder.first.weight.grad.abs().max() > 0, name


@pytest.mark.slow
def test_the_table_names_every_variant_and_factor(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "NetworkConfig", partial(NetworkConfig, **TINY))
    monkeypatch.setattr(sample_grid, "SAMPLES", 1)
    monkeypatch.setattr(sample_grid, "_plot", lambda *_: None)
    monkeypatch.setattr(ablation, "Pool", partial(ablation.Pool, first=2))
    monkeypatch.setattr(ablation, "STAGES", [replace(stage, batch=1) for stage in ablation.STAGES])
    lines = run(tmp_path, 1, count=1).read_text().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [
        "bicubic",
        "all parts",
        "no decoder",
        "no bank",
        "no encoder features",
        "no latents",
    ]
    assert lines[0].count("PSNR") == lines[0].count("lite2") == 3
    assert "nan" not in "".join(lines)
    validation = Samples(
        banks.load("mobilestylegan"), 256, (64, 32, 16), tmp_path / "validation", Domain.VALIDATION
    )
    bicubic = evaluate(None, validation, 1)
    assert f"{bicubic[64].psnr:.2f}" in lines[2]
