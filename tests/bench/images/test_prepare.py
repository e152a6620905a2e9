"""How an HR image is prepared: left as it is, cropped at its centre, or squashed to a square."""

import numpy as np
import pytest

from bench.base.errors import ImageError, UsageError
from bench.images.degradation import make_lr, resize
from bench.images.prepare import parse_preparation


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_no_preparation_keeps_the_image():
    np.testing.assert_array_equal(parse_preparation("none")(noise(5, 7), "a"), noise(5, 7))


def test_centre_crop_takes_the_middle():
    np.testing.assert_array_equal(parse_preparation("centre-crop:4")(noise(8, 11), "a"), noise(8, 11)[2:6, 3:7])


@pytest.mark.parametrize(("side", "expected"), [(9, 8), (8, 8), (7, 4)])
def test_centre_crop_takes_the_first_size_that_fits(side, expected):
    assert parse_preparation("centre-crop:8/4")(noise(side, 20), "a").shape == (expected, expected, 3)


def test_centre_crop_refuses_a_smaller_image():
    with pytest.raises(ImageError, match=r"image a\.png is too small.*got 20x3, expected at least 4x4"):
        parse_preparation("centre-crop:8/4")(noise(3, 20), "a.png")


@pytest.mark.parametrize(("height", "width"), [(321, 481), (64, 64), (127, 1000)])
def test_mod_crop_takes_from_the_right_and_the_bottom(height, width):
    image = noise(height, width)
    cropped = parse_preparation("mod-crop:64")(image, "a")
    assert cropped.shape == (height // 64 * 64, width // 64 * 64, 3)
    np.testing.assert_array_equal(cropped, image[: cropped.shape[0], : cropped.shape[1]])


def test_mod_crop_refuses_a_smaller_side_and_says_what_to_type():
    with pytest.raises(ImageError, match=r"got 500x40, expected sides of at least 64; give prepare=mod-crop:32"):
        parse_preparation("mod-crop:64")(noise(40, 500), "a")


def test_a_factor_that_does_not_divide_says_what_to_type():
    with pytest.raises(ImageError, match=r"divisible by 48; prepare it for that, NAME\[prepare=mod-crop:48\]"):
        make_lr(noise(64, 64), 48)


def test_squash_gives_up_the_aspect_ratio():
    image = noise(30, 50)
    np.testing.assert_array_equal(parse_preparation("squash:16")(image, "a"), resize(image, 16, 16))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "crop",
        "centre-crop",
        "centre-crop:",
        "centre-crop:0",
        "squash:8/4",
        "mod-crop",
        "mod-crop:8/4",
        "align-face:0",
        "squash:-1",
        "none:3",
    ],
)
def test_unknown_preparation_is_a_usage_error(text):
    with pytest.raises(UsageError, match="expected none, mod-crop:N, centre-crop:N"):
        parse_preparation(text)
