"""nearest, bicubic and hr against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from bench.base.errors import MethodError
from bench.base.types import Batch
from tests.methods.common import batch, loaded, restored


def test_nearest_repeats_every_pixel():
    inputs = batch(16, names=("a", "b"))
    expected = np.kron(inputs.lr.numpy(), np.ones((1, 1, 16, 16), np.float32))
    np.testing.assert_array_equal(restored("nearest", inputs).numpy(), expected)


@pytest.mark.parametrize("factor", [3, 16])
def test_bicubic_equals_pillow_inside(factor):
    """Pillow has the same kernel (a = -0.5) in float32; only its borders differ from MATLAB's mirrored ones."""
    inputs = batch(factor, 12, 10)
    sr = restored("bicubic", inputs).numpy()[0]
    size = (10 * factor, 12 * factor)
    edge = 2 * factor
    for plane, channel in zip(sr, inputs.lr.numpy()[0], strict=True):
        peer = np.asarray(Image.fromarray(channel, "F").resize(size, Image.Resampling.BICUBIC))
        inside = np.s_[edge:-edge, edge:-edge]
        np.testing.assert_allclose(plane[inside], peer.clip(0, 1)[inside], atol=2e-6)


def _keys(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def test_bicubic_mirrors_the_border_as_matlab_does():
    inputs = batch(16, 6, 6)
    lr, position = inputs.lr.numpy()[0, 0].astype(float), (0 + 0.5) / 16 - 0.5
    taps = [(abs(i) - 1 if i < 0 else i, _keys(position - i)) for i in range(-2, 3)]  # -1 -> 0, -2 -> 1
    corner = sum(wy * wx * lr[y, x] for y, wy in taps for x, wx in taps)
    sr = restored("bicubic", inputs)
    assert float(sr[0, 0, 0, 0]) == pytest.approx(min(max(corner, 0), 1), abs=1e-6)


def test_bicubic_overshoot_is_clipped():
    inputs = batch(16)
    inputs.lr[...] = (torch.arange(12) % 6 > 2).float()
    sr = restored("bicubic", inputs)
    assert (float(sr.min()), float(sr.max())) == (0, 1)


def test_hr_returns_what_the_runner_hands_over():
    inputs, truth = batch(16), torch.rand(1, 3, 128, 192)
    method = loaded("hr")
    assert method.sees_hr is True
    seeing = Batch(inputs.lr, 16, inputs.images, inputs.seeds, inputs.category, {"hr": truth})
    assert torch.equal(method.restore(seeing).sr, truth)
    with pytest.raises(MethodError, match="no ground truth was given with a"):
        method.restore(inputs)
