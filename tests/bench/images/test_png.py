"""Saved images: 8-bit PNG, and the digest of their pixels."""

import numpy as np
from PIL import Image

from bench.images.png import load_png, pixel_digest, save_png
from tests.conftest import photo


def test_png_round_trip_is_exact_and_digest_is_of_pixels(tmp_path):
    image = photo(2)
    save_png(image, tmp_path / "deep" / "a.png")
    Image.fromarray(image).save(tmp_path / "b.png", compress_level=9)
    assert np.array_equal(load_png(tmp_path / "deep" / "a.png"), image)
    assert pixel_digest(load_png(tmp_path / "b.png")) == pixel_digest(image)
    assert pixel_digest(image.reshape(32, 128, 3)) != pixel_digest(image)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.png"]
