"""The cascade and the tiles, with plain functions in place of networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bench.base.errors import MethodError
from methods.shared.networks.cascade import Upscaler, restore, tiled
from tests.methods.common import batch


def _repeat(image: torch.Tensor, scale: int) -> torch.Tensor:
    return image.repeat_interleave(scale, 2).repeat_interleave(scale, 3)


def _counting(scale: int, add: float = 0.0) -> tuple[Upscaler, list[tuple[int, int]]]:
    seen: list[tuple[int, int]] = []

    def run(image):
        seen.append(tuple(image.shape[-2:]))
        return _repeat(image, scale) + add

    return Upscaler(run, scale), seen


@pytest.mark.parametrize(
    ("scale", "factor", "sizes"),
    [
        (4, 16, [(4, 6), (16, 24)]),
        (4, 32, [(4, 6), (16, 24)]),
        (4, 64, [(4, 6), (16, 24), (64, 96)]),
        (2, 16, [(4, 6), (8, 12), (16, 24), (32, 48)]),
        (8, 16, [(4, 6)]),
        (3, 16, [(4, 6), (12, 18)]),
    ],
)
def test_passes_and_size(scale, factor, sizes):
    upscaler, seen = _counting(scale)
    sr = restore(upscaler, batch(factor, 4, 6).lr, factor)
    assert seen == sizes
    assert sr.shape == (1, 3, 4 * factor, 6 * factor)


def test_nothing_is_rounded_between_passes():
    """A step of 8-bit rounding would move values by up to 1/510; here they move by exactly what each pass adds."""
    lr = batch(16).lr * 0.9
    sr = restore(_counting(4, add=0.0007)[0], lr, 16)
    np.testing.assert_allclose(sr.numpy(), _repeat(lr, 16).numpy() + 0.0014, atol=1e-6)


def test_each_pass_is_clipped():
    seen = []

    def run(image):
        seen.append(float(image.max()))
        return _repeat(image, 4) * 3

    sr = restore(Upscaler(run, 4), torch.full((1, 3, 2, 2), 0.9), 16)
    assert seen == [pytest.approx(0.9), 1.0]
    assert float(sr.max()) == 1.0


def test_the_rest_is_the_protocols_bicubic():
    lr = batch(32, 6, 6).lr
    sr = restore(_counting(4)[0], lr, 32)
    at_16 = _repeat(lr, 16).numpy()[0, 0]
    peer = np.asarray(Image.fromarray(at_16, "F").resize((192, 192), Image.Resampling.BICUBIC)).clip(0, 1)
    np.testing.assert_allclose(sr.numpy()[0, 0, 4:-4, 4:-4], peer[4:-4, 4:-4], atol=2e-6)


@pytest.mark.parametrize(("scale", "words"), [(1, "keeps the size"), (8, "enlarges by 8, more than the factor 4")])
def test_an_unreachable_factor_is_refused(scale, words):
    with pytest.raises(MethodError, match=words):
        restore(_counting(scale)[0], batch(4).lr, 4)


def test_tiles_equal_one_run_when_the_overlap_covers_what_the_network_sees():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1), nn.Upsample(scale_factor=2), nn.Conv2d(5, 3, 3, padding=1)
    ).requires_grad_(False)
    largest = []

    def run(image):
        largest.append(max(image.shape[-2:]))
        return network(image)

    image = torch.rand(2, 3, 45, 31)
    out = tiled(run, image, 2, tile=10, overlap=2)
    assert out.shape == (2, 3, 90, 62)
    assert len(largest) == 5 * 4
    assert max(largest) <= 10 + 2 * 2
    np.testing.assert_allclose(out.numpy(), network(image).numpy(), atol=1e-6)


def test_an_image_within_one_tile_is_run_whole():
    upscaler, seen = _counting(4)
    tiled(upscaler.forward, torch.rand(1, 3, 10, 7), 4, tile=10, overlap=2)
    assert seen == [(10, 7)]
