"""Odd forms of image files, written by OpenCV and tifffile: read right, or refused in one right sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bench.base.errors import ImageError
from bench.images.decode import read_image

cv2 = pytest.importorskip("cv2", reason="the extra `identity` is not installed")
RGB = np.random.default_rng(5).integers(0, 256, (96, 80, 3), dtype=np.uint8)
OPAQUE = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
Write = Callable[[Path], object]


def by_opencv(image: np.ndarray, *options: int) -> Write:
    order = image[..., ::-1] if image.ndim == 3 and image.shape[2] == 3 else image
    order = image[..., [2, 1, 0, 3]] if image.ndim == 3 and image.shape[2] == 4 else order
    return lambda path: cv2.imwrite(str(path), order, options)


def by_tifffile(image: np.ndarray, **options: object) -> Write:
    return lambda path: tifffile.imwrite(path, image, **options)


EXACT = {
    "plain.png": by_opencv(RGB),
    "opaque.png": by_opencv(OPAQUE),
    "filtered.png": by_opencv(RGB, cv2.IMWRITE_PNG_COMPRESSION, 9),
    "plain.bmp": by_opencv(RGB),
    "opaque.bmp": by_opencv(OPAQUE),
    "plain.jp2": by_opencv(RGB, cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000),
    "ascii.ppm": by_opencv(RGB, cv2.IMWRITE_PXM_BINARY, 0),
    "lossless.webp": by_opencv(RGB, cv2.IMWRITE_WEBP_QUALITY, 101),
    "deflated.tif": by_tifffile(RGB, photometric="rgb", compression="zlib", predictor=True),
    "tiled.tif": by_tifffile(RGB, photometric="rgb", tile=(16, 16)),
    "planar.tif": by_tifffile(RGB.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
    "big_endian.tif": by_tifffile(RGB, photometric="rgb", byteorder=">"),
    "opaque.tif": by_tifffile(OPAQUE, photometric="rgb", extrasamples=["unassalpha"]),
    "big.tif": by_tifffile(RGB, photometric="rgb", bigtiff=True),
}
CLOSE = {
    "progressive.jpg": by_opencv(RGB // 8 + 100, cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, 100),
    "restarted.jpg": by_opencv(RGB // 8 + 100, cv2.IMWRITE_JPEG_RST_INTERVAL, 1, cv2.IMWRITE_JPEG_QUALITY, 100),
}
REFUSED = {
    "deep.png": (by_opencv(RGB.astype(np.uint16) * 257), "more than 8 bits"),
    "deep.jp2": (by_opencv(RGB.astype(np.uint16) * 16), "more than 8 bits"),
    "deep.tif": (by_tifffile(RGB.astype(np.uint16), photometric="rgb"), "more than 8 bits|unusual form"),
    "float.tif": (by_tifffile(RGB.astype(np.float32), photometric="rgb"), "unusual form"),
    "pages.tif": (by_tifffile(np.stack([RGB, RGB]), photometric="rgb"), "2 frames"),
    "cmyk.tif": (by_tifffile(OPAQUE, photometric="separated"), "colour mode CMYK"),
    "half.png": (by_opencv(OPAQUE // np.array([1, 1, 1, 2], np.uint8)), "alpha channel that is not opaque"),
    "scene.hdr": (by_opencv(RGB.astype(np.float32)), "is not an image"),
}


@pytest.mark.parametrize("name", EXACT)
def test_every_pixel_is_kept(name: str, tmp_path: Path) -> None:
    EXACT[name](tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name, name), RGB)


@pytest.mark.parametrize("name", CLOSE)
def test_jpegs_are_read_as_opencv_reads_them(name: str, tmp_path: Path) -> None:
    CLOSE[name](tmp_path / name)
    expected = cv2.imread(str(tmp_path / name))[..., ::-1].astype(int)
    assert np.abs(read_image(tmp_path / name, name) - expected).max() <= 3


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_right_sentence(name: str, tmp_path: Path) -> None:
    write, words = REFUSED[name]
    write(tmp_path / name)
    with pytest.raises(ImageError, match=words) as caught:
        read_image(tmp_path / name, name)
    assert "\n" not in str(caught.value)
