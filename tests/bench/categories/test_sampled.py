"""The embedded faces, from the real bank."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.base.errors import UsageError
from bench.base.seeds import Domain
from bench.categories.category import find_category
from bench.images.degradation import quantise
from bench.images.png import pixel_digest
from methods.shared import banks


@pytest.fixture(autouse=True)
def _one_thread():
    """What is computed here does not depend on it, and two threads that wait for each other take longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_face_is_the_published_one_and_that_of_a_float32_bank():
    faces = find_category("faces")
    pixels = faces.read("0003")
    assert pixel_digest(pixels) == faces.expected_digest("0003")
    bank = banks.load("mobilestylegan")
    with torch.inference_mode():
        image = bank.synthesise(bank.sample([3], Domain.HELD_OUT, 0.7)).image[0].permute(1, 2, 0)
    other = quantise(image.double().numpy() / 2 + 0.5).astype(int)
    assert np.abs(pixels - other).max() <= 1
    assert (pixels != other).mean() < 1e-3


def test_a_face_beyond_the_list_is_a_usage_error():
    with pytest.raises(UsageError, match="unknown image of category faces '0064'"):
        find_category("faces").read("0064")
