"""What the tests of the methods share: small banks with random weights, and a light perceptual network."""

from __future__ import annotations

import pytest
import torch

from methods.shared.networks import perceptual_networks
from tests.methods.inverting import Pooled
from tests.methods.shared.banks import stylegan2_peer as peer


@pytest.fixture
def light(monkeypatch):
    """Put the light network in the place of every other."""
    monkeypatch.setattr(perceptual_networks, "load", lambda *_arguments, **_options: Pooled())


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The path of a StyleGAN2 of 32 pixels and random weights: a bank of which every search is cheap."""
    path = tmp_path_factory.mktemp("bank") / "small.pth"
    torch.save({"params_ema": peer.generator(32, width=24).state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def with_discriminator(tmp_path_factory):
    """The path of such a bank with a discriminator."""
    path = tmp_path_factory.mktemp("bank") / "with_discriminator.pth"
    state = {
        "g_ema": peer.rosinality(peer.generator(32, width=24).state_dict()),
        "d": peer.randomised(peer.Discriminator(32)).state_dict(),
    }
    torch.save(state, path)
    return path
