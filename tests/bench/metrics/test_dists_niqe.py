"""DISTS and NIQE against their packages, which ran once: DISTS-pytorch 0.1 on the same trunk, sk-video 1.1.10."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from bench.base.errors import ImageError
from bench.registry import METRICS
from tests.conftest import photo


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def dists():
    metric = METRICS.create("dists")
    metric.load(torch.device("cpu"))
    return metric


def test_dists_equals_its_authors_package(dists, astronaut) -> None:
    small = Image.fromarray(astronaut).resize((64, 64), Image.Resampling.BICUBIC)
    blurred = np.asarray(small.resize((512, 512), Image.Resampling.BICUBIC))
    described = dists.features(astronaut)
    pairs = {
        0.144054114818573: astronaut[:, ::-1],
        0.2730763554573059: blurred,
        0.5941487550735474: photo(3, 512, 512),
    }
    for expected, sr in pairs.items():
        assert dists.compare(np.ascontiguousarray(sr), described, 16) == pytest.approx(expected, abs=1e-6)
    same = np.asarray(small)
    assert dists.compare(same, dists.features(same), 16) == pytest.approx(0, abs=1e-6)


def test_niqe_equals_sk_videos(astronaut) -> None:
    metric = METRICS.create("niqe")
    metric.load(torch.device("cpu"))
    images = {
        8.664867401123047: astronaut,
        31.598920822143555: photo(1, 256, 320),
        40.973697662353516: photo(2, 300, 200),
    }
    for expected, image in images.items():
        assert metric.compare(image, None, 16) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ImageError, match="too small for niqe"):
        metric.compare(photo(1, 192, 400), None, 16)
