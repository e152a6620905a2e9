"""LR against an independent float64 implementation, and the round trip through PNG."""

import numpy as np
import pytest
import torch
from PIL import Image

from bench.base.errors import ImageError
from bench.images.degradation import make_lr, quantise, resize, resize_tensor
from bench.images.png import to_pixels, to_tensor
from tests.conftest import photo


def shrink_axis_by_definition(image: np.ndarray, factor: int) -> np.ndarray:
    """Keys' cubic stretched by the factor, one output row at a time over a mirrored image."""
    margin = 3 * factor
    padded = np.pad(image, [(margin, margin), (0, 0), (0, 0)], mode="symmetric")
    rows = []
    for out in range(image.shape[0] // factor):
        centre = (out + 0.5) * factor - 0.5
        taps = np.arange(int(np.floor(centre - 2 * factor)), int(np.ceil(centre + 2 * factor)) + 1)
        x = np.abs((taps - centre) / factor)
        weights = np.zeros(len(taps))
        near, far = x <= 1, (x > 1) & (x <= 2)
        weights[near] = 1.5 * x[near] ** 3 - 2.5 * x[near] ** 2 + 1
        weights[far] = -0.5 * x[far] ** 3 + 2.5 * x[far] ** 2 - 4 * x[far] + 2
        rows.append(np.tensordot(weights / weights.sum(), padded[taps + margin], 1))
    return np.stack(rows)


def lr_by_definition(image: np.ndarray, factor: int) -> np.ndarray:
    shrunk = shrink_axis_by_definition(image / 255.0, factor)
    shrunk = shrink_axis_by_definition(shrunk.transpose(1, 0, 2), factor).transpose(1, 0, 2)
    return np.round(np.clip(shrunk, 0, 1) * 255).astype(int)


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [(512, 1024, 16), (512, 1024, 32), (512, 1024, 64), (99, 63, 3), (1024, 512, 64)],
)
def test_lr_equals_the_definition(height, width, factor):
    rng = np.random.default_rng(factor)
    for image in (photo(factor, height, width), rng.integers(0, 256, (height, width, 3), dtype=np.uint8)):
        difference = np.abs(make_lr(image, factor).astype(int) - lr_by_definition(image, factor))
        assert difference.max() <= 1
        assert (difference == 0).mean() >= 0.999


def test_lr_equals_pillow_away_from_the_border():
    """Pillow's antialiased bicubic is another implementation of the same kernel; only its border differs."""
    image = photo(5, 256, 256)
    float_channels = [Image.fromarray(image[..., c].astype(np.float32)) for c in range(3)]
    theirs = np.stack([np.asarray(c.resize((32, 32), Image.Resampling.BICUBIC)) for c in float_channels], -1)
    ours = make_lr(image, 8).astype(float)
    assert np.abs(ours - theirs)[3:-3, 3:-3].max() <= 0.5 + 1e-3


def test_tensor_operator_is_the_same_operator():
    image = photo(1, 128, 192)
    ours = to_pixels(resize_tensor(to_tensor(image).double(), 8, 12)[0])
    assert np.abs(ours.astype(int) - make_lr(image, 16)).max() <= 1
    doubled = resize_tensor(to_tensor(image), 256, 384)
    assert np.abs(to_pixels(doubled[0]).astype(int) - resize(image, 256, 384)).max() <= 1


def test_tensor_operator_is_differentiable():
    x = torch.rand(1, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: resize_tensor(t, 2, 2), (x,))


def test_rounding_is_half_to_even():
    assert quantise(np.array([0.5, 1.5, 2.5, -3.0, 300.0]) / 255).tolist() == [0, 2, 2, 0, 255]


def test_sides_must_be_divisible():
    with pytest.raises(
        ImageError,
        match=r"got 100x64, expected sides divisible by 16; prepare it for that, NAME\[prepare=mod-crop:16\]",
    ):
        make_lr(np.zeros((64, 100, 3), np.uint8), 16)
