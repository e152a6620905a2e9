"""What scoring a pair of 1024-pixel images costs, beside the best-known tools and the networks alone."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from pytorch_fid import inception
from skimage.metrics import structural_similarity

from bench.images.png import to_tensor
from bench.metrics.fid import Fid
from bench.registry import METRICS
from tests.bench.metrics import test_sets
from tests.bench.metrics.test_lpips import random_trunk
from tests.conftest import photo
from tests.perf.timing import ratio

SIDE, METHODS = 1024, 4
random_inception = test_sets.random_inception


@pytest.fixture(scope="module")
def pair():
    hr = photo(1, SIDE, SIDE)
    noise = np.random.default_rng(0).normal(0, 8, hr.shape)
    return hr, np.clip(hr + noise, 0, 255).astype(np.uint8)


def loaded(name):
    metric = METRICS.create(name)
    metric.load(torch.device("cpu"))
    return metric


def test_ssim_takes_a_third_of_scikit_image_s_time(pair, report):
    hr, sr = pair
    ssim = loaded("ssim")
    ours = ratio(
        lambda: ssim.compare(sr, ssim.features(hr), 16),
        lambda: structural_similarity(
            hr, sr, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        ),
    )
    report("ssim / scikit-image's", ours.median, ours.spread, most=1 / 3)
    assert ours.median <= 1 / 3


@pytest.mark.parametrize("name", ["lite0", "lite2"])
def test_a_feature_distance_costs_its_forward_pass(pair, report, name):
    """HR's features are computed once for all methods, so a method costs one pass."""
    hr, sr = pair
    metric = loaded(name)
    features = metric.features(hr)

    @torch.inference_mode()
    def passed():
        return metric.network(to_tensor(sr).contiguous(memory_format=torch.channels_last))

    ours = ratio(lambda: metric.compare(sr, features, 16), passed)
    report(f"{name} / its network's forward pass", ours.median, ours.spread, most=1.1)
    assert ours.median <= 1.1


def pyiqa_peers(package):
    return [package.create_metric(name, device=torch.device("cpu")) for name in ("psnr", "ssimc", "ms_ssim")]


def torchmetrics_peers(package):
    image = package.functional.image
    peers = (
        image.peak_signal_noise_ratio,
        image.structural_similarity_index_measure,
        image.multiscale_structural_similarity_index_measure,
    )
    return [partial(peer, data_range=1.0) for peer in peers]


@pytest.mark.parametrize(
    ("package", "peers_of", "aim"), [("pyiqa", pyiqa_peers, 1 / 30), ("torchmetrics", torchmetrics_peers, 1 / 5)]
)
def test_the_pixel_metrics_together(pair, report, package, peers_of, aim):
    """HR is described once for the four methods that are compared with it, as the suite does."""
    peers = peers_of(pytest.importorskip(package, reason=f"pip install {package} for the other side"))
    hr, sr = pair
    compared = [loaded(name) for name in ("psnr", "ssim", "ms_ssim")]
    tensors = to_tensor(sr), to_tensor(hr)

    def ours():
        for metric in compared:
            features = metric.features(hr)
            for _ in range(METHODS):
                metric.compare(sr, features, 16)

    def theirs():
        for _ in range(METHODS):
            [peer(*tensors) for peer in peers]

    measured = ratio(ours, theirs, turns=3)
    what = f"psnr, ssim and ms_ssim of {METHODS} methods, HR described once / {package}'s"
    report(what, measured.median, measured.spread, most=aim)
    assert measured.median <= aim


@pytest.mark.filterwarnings("ignore")
def test_lpips_costs_its_forward_pass(pair, report):
    """Over random weights: a convolution takes as long whatever it multiplies with. The pass is the package's."""
    hr, sr = pair
    metric = METRICS.create("lpips")
    trunk = random_trunk("alex")
    metric.build(trunk.state_dict(), torch.device("cpu"))
    features = metric.features(hr)

    @torch.inference_mode()
    def passed():
        return trunk.features(to_tensor(sr))

    ours = ratio(lambda: metric.compare(sr, features, 16), passed)
    report("lpips / its trunk's forward pass (torchvision)", ours.median, ours.spread, most=1.1)
    assert ours.median <= 1.1


@pytest.mark.filterwarnings("ignore")
def test_fid_s_features_take_no_longer_than_pytorch_fid_s(pair, random_inception, report):
    _, sr = pair
    metric = Fid()
    metric.build(random_inception, torch.device("cpu"))
    theirs = inception.InceptionV3([3]).eval()

    @torch.inference_mode()
    def passed():
        return theirs(to_tensor(sr))[0].mean((2, 3)).numpy()

    ours = ratio(lambda: metric.features(sr), passed)
    report("fid's features of an image / pytorch-fid's", ours.median, ours.spread, most=1)
    assert ours.median <= 1.05
