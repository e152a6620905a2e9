"""Colour profiles: pixels come out as sRGB, or as they were when they already are."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.base.errors import ImageError
from bench.images.decode import read_image

COLOURS = np.array(
    [[[200, 120, 90], [30, 60, 200], [90, 180, 100]], [[250, 240, 230], [128, 128, 128], [12, 20, 9]]], np.uint8
)
P3_TO_XYZ = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
SRGB_TO_XYZ = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])

NOISE = np.random.default_rng(7).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def read(path: Path) -> np.ndarray:
    return read_image(path, path.name)


def icc_profile(primaries: np.ndarray, gamma: float) -> bytes:
    """Return an ICC version 2 matrix profile: the three primaries in XYZ (D50) and one gamma."""

    def xyz(values) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(8 + 3 + 67 + 3)
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0CC0\0"), (b"wtpt", xyz((0.9642, 1.0, 0.8249)))]
    tags += [(name, xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    offset, table, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags:
        table += struct.pack(">4sII", name, offset + len(data), len(content))
        data += content
    head = struct.pack(">I4sI4s4s4s12x4s", offset + len(data), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + table + data


def test_icc_profile_is_converted_to_srgb(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=icc_profile(P3_TO_XYZ, 2.2))
    xyz = (COLOURS / 255.0) ** 2.1992 @ P3_TO_XYZ.T
    linear = np.clip(xyz @ np.linalg.inv(SRGB_TO_XYZ).T, 0, 1)
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(expected - COLOURS).max() > 20
    np.testing.assert_allclose(read(tmp_path / "a.png"), expected, atol=2)


def test_grey_image_with_a_colour_profile_stays_grey(tmp_path):
    grey = COLOURS[..., 1]
    Image.fromarray(grey).save(tmp_path / "a.png", icc_profile=icc_profile(SRGB_TO_XYZ, 1.0))
    pixels = read(tmp_path / "a.png")
    linear = grey / 255.0
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(pixels, np.stack([expected] * 3, -1), atol=2)


def test_srgb_profile_leaves_every_pixel(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(NOISE).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), NOISE)


def test_unusable_profile_is_refused_with_the_remedy(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=b"no profile at all")
    with pytest.raises(ImageError, match=r"a\.png has an unusable colour profile.*convert it to sRGB"):
        read(tmp_path / "a.png")


def test_profile_of_another_colour_space_is_refused(tmp_path):
    grey = icc_profile(P3_TO_XYZ, 2.2).replace(b"RGB XYZ ", b"CMYKXYZ ")
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=grey)
    with pytest.raises(ImageError, match=r"a\.png has an unusable colour profile"):
        read(tmp_path / "a.png")
