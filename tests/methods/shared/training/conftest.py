"""What the tests of trainings share: the embedded bank, a bank of which everything is cheap, no pictures of curves."""

from __future__ import annotations

import pytest
import torch

from methods.shared import banks
from methods.shared.training import sample_grid
from tests.methods.shared.banks import stylegan2_peer as peer


@pytest.fixture
def no_curves_picture(monkeypatch):
    """Leave out the picture of the curves, which costs more than the steps of a short training."""
    monkeypatch.setattr(sample_grid, "_plot", lambda *_: None)


@pytest.fixture(scope="session")
def bank():
    return banks.load("mobilestylegan")


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The path of a StyleGAN2 of 32 pixels and random weights."""
    path = tmp_path_factory.mktemp("bank") / "small.pth"
    torch.save({"params_ema": peer.generator(32, width=24).state_dict()}, path)
    return path
