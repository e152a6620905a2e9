"""What the tests of the searches share: a small bank, a target that it can make, and a light perceptual network."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.base.seeds import Domain
from bench.base.types import Batch, Category
from bench.images.degradation import resize_tensor
from methods.shared import banks
from methods.shared.inversion import Seen
from methods.shared.networks import perceptual_networks as perceptual
from tests.methods.shared.banks import stylegan2_peer as peer


class Pooled:
    """A perceptual network that can be computed by hand: 4x4 means and their squared difference, times a scale."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def __call__(self, image):
        return [F.adaptive_avg_pool2d(image, 4)]

    def distance(self, made, wanted):
        return self.scale * (made[0] - wanted[0]).square().mean()


def pooled_distance(made, wanted):
    """Return in float64 what `Pooled` says of two arrays (N, 3, h, h)."""
    n, c, h, w = made.shape
    means = [image.astype(np.float64).reshape(n, c, 4, h // 4, 4, w // 4).mean((3, 5)) for image in (made, wanted)]
    return ((means[0] - means[1]) ** 2).mean()


def shrunk(image, side=8):
    """Return the LR of a bank's image (1, 3, R, R) in [-1, 1] as a search compares it: float64, in [0, 1]."""
    return resize_tensor((image.detach() + 1) / 2, side, side).double().numpy()


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


def diverged(method, given, monkeypatch):
    """Restore one image with a method that must diverge, and see that it stops and gives the best that it saw."""
    seen = []
    keep = Seen.keep

    def watched(self, image, loss):
        seen.append((loss, image.detach().clone()))
        keep(self, image, loss)

    monkeypatch.setattr(Seen, "keep", watched)
    done = method.restore(given)
    (values,) = done.values
    assert values["diverged"] == 1
    least, best = min((one for one in seen if math.isfinite(one[0])), key=lambda one: one[0])
    assert values["objective"] == least
    assert done.sr.equal(best.clamp(0, 1))
    assert len(seen) == values["steps"] + 2  # the look that says so is no step, and a last look follows it
    return values
