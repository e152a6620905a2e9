"""The registry lists metrics without importing any of them, and says what each class says."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from bench.base.errors import ImageError, UsageError
from bench.base.metric import Better, ImageMetric, SetMetric
from bench.metrics.common import check_large, check_size, finite
from bench.registry import DEFAULT_METRICS, METRICS
from tests.conftest import photo


def test_listing_imports_no_heavy_package() -> None:
    code = (
        "import sys; from bench.registry import METRICS; METRICS.entries();"
        "print([m for m in ('torch', 'scipy', 'pandas', 'timm', 'cv2', 'lpips') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NAMES = [name for name in METRICS.entries() if name != "pyiqa"]  # which is one only with the name of its own


@pytest.mark.parametrize("name", NAMES)
def test_entry_says_what_the_class_says(name: str) -> None:
    entry, metric = METRICS.entries()[name], METRICS.create(name)
    assert isinstance(metric, SetMetric if name in ("fid", "kid") else ImageMetric)
    assert metric.name == entry.name
    assert entry.location == f"{type(metric).__module__}:{type(metric).__name__}"
    assert isinstance(metric.better, Better)
    assert metric.title != ""
    assert entry.summary.endswith(".")


def test_signatures_are_unique_and_versioned() -> None:
    signatures = [METRICS.load(name).signature for name in NAMES]
    assert len(set(signatures)) == len(signatures)
    assert all(re.search(r"\|v[1-9]$", signature) for signature in signatures)


def test_every_metric_is_in_the_order_of_tables() -> None:
    assert tuple(METRICS.entries()) == METRICS.order


def test_default_metrics_exist_and_describe_single_images() -> None:
    assert all(isinstance(METRICS.create(name), ImageMetric) for name in DEFAULT_METRICS)


MINE = '''
from bench import Better, ImageMetric


class Mine(ImageMetric):
    """The largest difference of a test."""

    name = "largest"
    better = Better.LOWER
    signature = "largest|v1"

    def compare(self, sr, features, factor):
        return float(abs(sr.astype(int) - features).max())
'''


def test_a_file_is_a_metric(tmp_path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    metric = METRICS.create(str(path))
    assert metric.name == METRICS.load(str(path)).name == "largest"
    assert metric.compare(photo(1), metric.features(photo(1)), 16) == 0
    path.write_text(MINE.replace("(ImageMetric)", ""))
    with pytest.raises(
        UsageError, match=r"got 0 classes .* inherit bench.ImageMetric or bench.SetMetric.*class Mine"
    ):
        METRICS.create(str(path))


def test_unknown_metric_suggests_the_close_one() -> None:
    with pytest.raises(UsageError, match="did you mean psnr"):
        METRICS.create("pnsr")


def test_what_is_not_a_number_is_refused() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ImageError, match="psnr is not a number"):
            finite("psnr", value)
    assert finite("psnr", 1) == 1.0


def test_sizes_are_checked_in_words() -> None:
    image = photo(0, 20, 30)
    with pytest.raises(ImageError, match="got 30x20, expected 10x5"):
        check_size("psnr", image, (5, 10))
    with pytest.raises(ImageError, match=r"too small for ssim.*at least 21"):
        check_large("ssim", image, 21)
    check_size("psnr", image, (20, 30))
    check_large("ssim", image, 20)


@pytest.mark.parametrize("name", ["psnr", "psnr_y", "ssim", "ms_ssim", "lr_psnr", "haarpsi"])
def test_value_depends_on_no_other_image(name: str) -> None:
    metric = METRICS.create(name)
    metric.load(torch.device("cpu"))
    hr = photo(0, 192, 192)
    reference = hr[::4, ::4].copy() if metric.reference == "lr" else hr
    candidates = [photo(seed, 192, 192) for seed in (1, 2)]
    features = metric.features(reference)
    forth = [metric.compare(sr, features, 4) for sr in candidates]
    back = [metric.compare(sr, metric.features(reference), 4) for sr in reversed(candidates)]
    assert forth == back[::-1]
    assert np.ptp(forth) > 0


@pytest.mark.parametrize("name", ["psnr", "psnr_y", "ssim", "ms_ssim", "haarpsi"])
def test_another_size_is_refused(name: str) -> None:
    metric = METRICS.create(name)
    metric.load(torch.device("cpu"))
    with pytest.raises(ImageError, match=r"one size.*got 176x192, expected 192x192"):
        metric.compare(photo(1, 192, 176), metric.features(photo(0, 192, 192)), 4)
