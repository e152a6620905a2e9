"""Metrics of pixels and structure against scikit-image and piq."""

import numpy as np
import piq
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.base.errors import ImageError
from bench.images.degradation import make_lr
from bench.images.png import to_tensor
from bench.metrics.haarpsi import HaarPsi
from bench.metrics.lr_psnr import LrPsnr
from bench.metrics.ms_ssim import MsSsim
from bench.metrics.psnr import Psnr, PsnrY
from bench.metrics.ssim import Ssim
from tests.conftest import photo


def value(metric, sr: np.ndarray, reference: np.ndarray, factor: int = 4) -> float:
    metric.load(torch.device("cpu"))
    return metric.compare(sr, metric.features(reference), factor)


def noisy(image: np.ndarray, sigma: float = 12) -> np.ndarray:
    noise = np.random.default_rng(9).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).round().astype(np.uint8)


PAIRS = [
    (photo(0), noisy(photo(0), 2)),
    (photo(1, 97, 143), photo(2, 97, 143)),
    (photo(3, 200, 90), noisy(photo(3, 200, 90))),
]


@pytest.mark.parametrize(("hr", "sr"), PAIRS)
def test_psnr_equals_scikit_image(hr, sr) -> None:
    assert value(Psnr(), sr, hr) == pytest.approx(peak_signal_noise_ratio(hr, sr, data_range=255), abs=1e-9)


@pytest.mark.parametrize(("hr", "sr"), PAIRS)
def test_psnr_y_equals_scikit_image_on_its_luma(hr, sr) -> None:
    luma = [rgb2ycbcr(image)[..., 0] for image in (hr, sr)]
    assert value(PsnrY(), sr, hr) == pytest.approx(peak_signal_noise_ratio(*luma, data_range=255), abs=1e-6)


@pytest.mark.parametrize("metric", [Psnr(), PsnrY()])
def test_psnr_of_equal_and_nearly_equal_images_is_the_cap(metric) -> None:
    image = photo(0, 512, 512)
    almost = image.copy()
    almost[0, 0, 0] ^= 1  # one level in one channel of one pixel: 107 dB without the cap
    assert value(metric, image, image) == 100.0
    assert value(metric, almost, image) == 100.0


def test_psnr_of_black_against_white_is_zero() -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    assert value(Psnr(), black, ~black) == 0.0


@pytest.mark.parametrize(("hr", "sr"), [*PAIRS, (photo(4)[:11, :30], photo(5)[:11, :30])])
def test_ssim_equals_scikit_image(hr, sr) -> None:
    expected = structural_similarity(
        hr, sr, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert value(Ssim(), sr, hr) == pytest.approx(expected, abs=1e-5)


def test_ssim_keeps_its_precision_in_bright_flat_areas() -> None:
    hr = np.full((64, 64, 3), 252, np.uint8)
    hr[::7, ::5] = 254
    sr = np.roll(hr, 1, axis=1)
    expected = structural_similarity(
        hr, sr, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert value(Ssim(), sr, hr) == pytest.approx(expected, abs=1e-5)
    assert value(Ssim(), hr, hr) == 1


def test_ssim_refuses_an_image_smaller_than_its_window() -> None:
    with pytest.raises(ImageError, match="too small for ssim"):
        Ssim().features(photo(0)[:10])


@pytest.mark.parametrize(("height", "width"), [(192, 192), (176, 256)])
def test_ms_ssim_equals_piq(height: int, width: int) -> None:
    hr, sr = photo(0, height, width), noisy(photo(0, height, width), 25)
    expected = piq.multi_scale_ssim(to_tensor(sr).double(), to_tensor(hr).double(), data_range=1.0).item()
    assert value(MsSsim(), sr, hr) == pytest.approx(expected, abs=1e-5)


def test_ms_ssim_of_an_inverted_image_is_a_number() -> None:
    hr = photo(0, 192, 192)
    assert 0 <= value(MsSsim(), ~hr, hr) < 0.1
    with pytest.raises(ImageError, match="sides of at least 176"):
        MsSsim().features(photo(0))


def test_haarpsi_equals_piq() -> None:
    hr, sr = photo(0, 65, 80), noisy(photo(0, 65, 80))
    expected = piq.haarpsi(to_tensor(sr).double(), to_tensor(hr).double(), data_range=1.0).item()
    assert value(HaarPsi(), sr, hr) == pytest.approx(expected, abs=1e-7)  # the images were divided in float32
    assert value(HaarPsi(), hr, hr) == pytest.approx(1, abs=1e-9)
    with pytest.raises(ImageError, match="too small"):
        HaarPsi().features(hr[:31])


def test_lr_psnr_compares_in_the_small() -> None:
    hr = photo(0, 128, 128)
    lr = make_lr(hr, 4)
    sr = noisy(hr)
    expected = peak_signal_noise_ratio(lr, make_lr(sr, 4), data_range=255)
    assert value(LrPsnr(), sr, lr) == pytest.approx(expected, abs=1e-9)
    assert value(LrPsnr(), hr, lr) == 100.0
    with pytest.raises(ImageError, match="got 32x32, expected 64x64"):
        value(LrPsnr(), hr, photo(0), 4)
