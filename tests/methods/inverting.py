"""What the tests of the searches share: a small bank, a target that it can make, and a light perceptual network."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from bench.contracts import Batch, Category
from bench.protocol import resize_tensor
from bench.seeds import Domain
from methods import banks, perceptual
from tests.banks import stylegan2_peer as peer


class Pooled:
    """A perceptual network that can be computed by hand: 4x4 means and their squared difference."""

    def __call__(self, image):
        return [F.adaptive_avg_pool2d(image, 4)]

    def distance(self, made, wanted):
        return (made[0] - wanted[0]).square().mean()


@pytest.fixture
def light(monkeypatch):
    """Put the light network in the place of every other."""
    monkeypatch.setattr(perceptual, "load", lambda *_given, **_options: Pooled())


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The path of a StyleGAN2 of 32 pixels and random weights: a bank of which every search is cheap."""
    path = tmp_path_factory.mktemp("bank") / "small.pth"
    torch.save({"params_ema": peer.generator(32, width=24).state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def judged(tmp_path_factory):
    """The path of such a bank with a discriminator."""
    path = tmp_path_factory.mktemp("bank") / "judged.pth"
    state = {
        "g_ema": peer.rosinality(peer.generator(32, width=24).state_dict()),
        "d": peer.randomised(peer.Discriminator(32)).state_dict(),
    }
    torch.save(state, path)
    return path


def target(path, seeds=(1,), side=8):
    """Return a batch of LR images of what a bank makes; one image an index of its seeds."""
    bank = banks.load(str(path))
    images = bank.synthesise(bank.sample(range(len(seeds)), Domain.VALIDATION)).image.clamp(-1, 1)
    lr = resize_tensor((images + 1) / 2, side, side).clamp(0, 1)
    names = tuple("abcd"[: len(seeds)])
    return Batch(lr, images.shape[-1] // side, names, tuple(seeds), Category("c", None))
