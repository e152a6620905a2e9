"""How far metrics agree, against scipy's correlations and against resampling written out."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from bench.store.results import Run
from reports.data.agreement import Agreements, correlation_over_images, correlation_over_methods
from reports.data.comparison import Comparison
from reports.data.scores import Scores, Slice
from tests.reports.conftest import USUAL
from tests.reports.making import value


@pytest.fixture
def values():
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(40, 1))
    return shared + rng.normal(size=(40, 5)), shared + 0.7 * rng.normal(size=(40, 5)) + np.arange(5) / 3


def test_over_images_is_the_mean_of_scipys_correlations(values):
    x, y = values
    expected = [spearmanr(x[:, method], y[:, method]).statistic for method in range(5)]
    found = correlation_over_images(x, y)
    assert found.rho == pytest.approx(np.mean(expected), abs=1e-12)
    assert found.n == 40
    assert found.low < found.rho < found.high


def test_over_methods_is_scipys_correlation_of_the_means(values):
    x, y = values
    found = correlation_over_methods(x, y)
    assert found.rho == pytest.approx(spearmanr(x.mean(0), y.mean(0)).statistic, abs=1e-12)
    assert found.n == 5


@pytest.mark.parametrize("compute", [correlation_over_images, correlation_over_methods])
def test_the_interval_is_that_of_resampled_images(values, compute):
    x, y = values
    rng = np.random.default_rng(1)
    again = [compute(x[drawn], y[drawn]).rho for drawn in rng.integers(0, 40, (600, 40))]
    found = compute(x, y)
    assert (found.low, found.high) == pytest.approx(np.quantile(again, [0.025, 0.975]), abs=0.11)


@pytest.mark.parametrize("compute", [correlation_over_images, correlation_over_methods])
def test_the_same_order_is_1_its_opposite_minus_1_and_none_is_none(values, compute):
    x = values[0]
    same, opposite = compute(x, 2 * x + 1), compute(x, -x)
    assert (same.rho, same.low, same.high) == pytest.approx((1, 1, 1))
    assert (opposite.rho, opposite.low, opposite.high) == pytest.approx((-1, -1, -1))
    assert compute(x, np.ones_like(x)) is None


def test_metrics_are_turned_so_that_better_is_up(usual: Run) -> None:
    comparison = Comparison((usual,))
    (agreement, *_) = Agreements(comparison, Scores(comparison)).every
    assert agreement.where == Slice("faces", 16)
    assert [metric.name for metric in agreement.metrics] == list(USUAL.metrics)
    methods = ("nearest", "bicubic", "pulse", "glean")
    means = {
        metric: [
            np.mean([value(USUAL, method, image, 16, metric) for image in USUAL.images]) for method in methods
        ]
        for metric in ("psnr", "lpips")
    }
    expected = spearmanr(means["psnr"], -np.array(means["lpips"])).statistic
    assert agreement.over_methods["psnr", "lpips"].rho == pytest.approx(expected)
    assert agreement.over_images["psnr", "lite2"].n == 7  # bicubic has no lite2 on one image
