"""What the tests of the searches share: a target that a bank can make, and a light perceptual network."""

from __future__ import annotations

import math

import numpy as np
import torch.nn.functional as F

from bench.base.seeds import Domain
from bench.base.types import Batch, Category
from bench.images.degradation import resize_tensor
from methods.shared import banks
from methods.shared.inversion.search import BestSoFar


class Pooled:
    """A perceptual network that can be computed by hand: 4x4 means and their squared difference, times a scale."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def __call__(self, image):
        return [F.adaptive_avg_pool2d(image, 4)]

    def distance(self, features, target):
        return self.scale * (features[0] - target[0]).square().mean()


def pooled_distance(one, other):
    """Return in float64 the distance of `Pooled` between two arrays (N, 3, h, h)."""
    n, c, h, w = one.shape
    means = [image.astype(np.float64).reshape(n, c, 4, h // 4, 4, w // 4).mean((3, 5)) for image in (one, other)]
    return ((means[0] - means[1]) ** 2).mean()


def downsampled(image, side=8):
    """Return the LR of a bank's image (1, 3, R, R) in [-1, 1] as a search compares it: float64, in [0, 1]."""
    return resize_tensor((image.detach() + 1) / 2, side, side).double().numpy()


def target(path, seeds=(1,), side=8):
    """Return a batch of LR images of what a bank makes; one image an index of its seeds."""
    bank = banks.load(str(path))
    images = bank.synthesise(bank.sample(range(len(seeds)), Domain.VALIDATION)).image.clamp(-1, 1)
    lr = resize_tensor((images + 1) / 2, side, side).clamp(0, 1)
    names = tuple("abcd"[: len(seeds)])
    return Batch(lr, images.shape[-1] // side, names, tuple(seeds), Category("c", None))


def check_divergence(method, batch, monkeypatch):
    """Restore one image with a method that must diverge, and see that it stops and gives the best that it saw."""
    kept = []
    keep = BestSoFar.keep

    def watched(self, image, loss):
        kept.append((loss, image.detach().clone()))
        keep(self, image, loss)

    monkeypatch.setattr(BestSoFar, "keep", watched)
    done = method.restore(batch)
    (values,) = done.values
    assert values["diverged"] == 1
    least, best = min((one for one in kept if math.isfinite(one[0])), key=lambda one: one[0])
    assert values["objective"] == least
    assert done.sr.equal(best.clamp(0, 1))
    assert len(kept) == values["steps"] + 2  # the pass that shows it is no step, and a last pass follows it
    return values
