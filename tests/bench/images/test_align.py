"""FFHQ's alignment: its geometry against a warp by scikit-image, its refusals in words."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from skimage.transform import ProjectiveTransform, warp

from bench.base.errors import ImageError
from bench.images.align import FaceSquare, cut_square, face_square
from bench.images.png import pixel_digest
from bench.images.prepare import parse_preparation
from tests.conftest import photo


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    pytest.importorskip("dlib", reason="the extra `identity` is not installed")
    return np.ascontiguousarray(skimage.data.astronaut()[:400])


def points(eyes: tuple, mouth: tuple) -> np.ndarray:
    """68 points of which only those count that the square is made of."""
    marks = np.zeros((68, 2))
    marks[36:42], marks[42:48] = eyes
    marks[48], marks[54] = mouth
    return marks


def test_the_square_of_a_level_face_is_level() -> None:
    """By hand: eyes 40 apart, mouth 50 below their middle, so a half side of max(2 * 40, 1.8 * 50) = 90."""
    square = face_square(points(((80, 100), (120, 100)), ((85, 150), (115, 150))))
    centre = np.array([100, 105])
    assert square.side == pytest.approx(180)
    np.testing.assert_allclose(square.corners - centre, [(-90, -90), (-90, 90), (90, 90), (90, -90)], atol=1e-9)


def test_the_square_turns_with_the_face() -> None:
    level, turn = points(((80, 100), (120, 100)), ((85, 150), (115, 150))), np.array([(0, 1), (-1, 0)])
    np.testing.assert_allclose(face_square(level @ turn).corners, face_square(level).corners @ turn, atol=1e-9)


def test_the_cut_is_the_warp_of_the_square() -> None:
    """At the scale of the image, where both filters are the identity, but for the interpolation."""
    image = photo(3, 300, 400)
    square = face_square(points(((180, 130), (222, 138)), ((175, 182), (212, 190))))
    size = round(square.side)
    corners = square.corners - 0.0
    unit = np.array([(0, 0), (0, size), (size, size), (size, 0)], float) - 0.5
    transform = ProjectiveTransform.from_estimate(unit, corners)
    expected = warp(image, transform, output_shape=(size, size), order=1) * 255
    ours = cut_square(image, square, size)
    assert np.abs(ours[4:-4, 4:-4] - expected[4:-4, 4:-4]).mean() < 2.5


FFHQ = {
    "turned": (300, 400, ((180, 130), (222, 138)), ((175, 182), (212, 190)), "640cc092f21c62ea"),
    "beyond the edge": (300, 400, ((30, 40), (75, 28)), ((36, 95), (80, 84)), "94616f68a97226f7"),
    "shrunk first": (700, 900, ((350, 290), (522, 268)), ((360, 470), (505, 452)), "5841997db8ade57b"),
}
"""Sides of an image, eyes, mouth, and how the digest of 64 x 64 pixels begins that `recreate_aligned_images` of
github.com/NVlabs/ffhq-dataset made of them (4826aa6)."""


@pytest.mark.parametrize("case", FFHQ)
def test_every_pixel_is_that_of_ffhqs_own_script(case) -> None:
    height, width, eyes, mouth, digest = FFHQ[case]
    aligned = cut_square(photo(3, height, width), face_square(points(eyes, mouth)), 64)
    assert pixel_digest(aligned).startswith(digest)


def test_a_portrait_shows_its_face_where_ffhq_has_it(portrait) -> None:
    from bench.networks.dlib import DlibLandmarks

    aligned = parse_preparation("align-face:128")(portrait, "a")
    finder = DlibLandmarks()
    marks = finder.points(aligned, finder.largest_face(aligned)) / 128
    middle, mouth = marks[36:48].mean(0), (marks[48] + marks[54]) / 2
    np.testing.assert_allclose(middle[0], 0.5, atol=0.03)
    assert abs(marks[36:42, 1].mean() - marks[42:48, 1].mean()) < 0.03
    assert middle[1] == pytest.approx(0.5 - 0.1 * (mouth - middle)[1], abs=0.03)


def test_a_small_face_is_never_enlarged(portrait) -> None:
    with pytest.raises(ImageError, match=r"face of image a\.png is too small: got \d+ pixels.*align-face:128"):
        parse_preparation("align-face:1024")(portrait, "a.png")


def test_a_frame_that_leaves_the_image_is_refused(portrait) -> None:
    """FFHQ mirrors what is not there; no method can be measured by that."""
    square = FaceSquare(np.array([(-50, 0), (-50, 100), (50, 100), (50, 0)], float), 100)
    assert square.outside(50, 100) == 0.5
    assert square.outside(50, 50) == 0.75
    assert square.moved((50, 0)).outside(100, 100) == 0
    with pytest.raises(ImageError, match=r"the face in image a\.png leaves the image: got \d\d% of it outside"):
        parse_preparation("align-face:64")(portrait[40:240, 120:320], "a.png")


def test_an_image_without_a_face_is_refused(portrait) -> None:
    with pytest.raises(ImageError, match=r"no face in image a\.png"):
        parse_preparation("align-face:64")(photo(0, 128, 128), "a.png")
