"""Fréchet Inception distance (Heusel et al., NeurIPS 2017), with the network and formula of `pytorch-fid`.

The trace of the matrix root is taken as the nuclear norm of the two sets' joint factor. It is the same number as
`pytorch-fid`'s sqrtm of the covariances' product, but exact when there are fewer images than dimensions, where
that product is singular. A set is a mean and such a factor: as large for a million images as for a few thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.assets.declare import Asset
from bench.base.errors import Unavailable
from bench.base.metric import Better, SetFeatures, SetMetric, SetValue
from bench.base.types import Pixels
from bench.images.png import to_tensor
from bench.metrics.common import finite, needing_assets
from bench.networks.imagenet import read_weights
from bench.networks.inception import INCEPTION, inception_network

Doubles = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]

ENOUGH = 2048
"""Images under which a value carries a warning: the covariance of 2,048 dimensions is not even of full rank."""


class InceptionMetric(SetMetric):
    """A distance of sets by their Inception features."""

    def assets(self) -> Sequence[Asset]:
        """Return the Inception network."""
        return (INCEPTION,)

    def load(self, device: torch.device) -> None:
        """Read the network; see `Metric.load`."""
        with needing_assets(self.name):
            weights = read_weights(INCEPTION)
        self.build(weights, device)

    def build(self, state: Mapping[str, Tensor], device: torch.device, dimensions: int = 2048) -> None:
        """Build `pytorch-fid`'s network up to the layer of a width; the metrics' signatures mean 2048."""
        self.device = device
        self.network = inception_network(state, dimensions).to(device)

    @torch.inference_mode()
    def features(self, image: Pixels) -> Features:
        """Return the pooled features of one image, (d,)."""
        x = to_tensor(image, self.device).contiguous(memory_format=torch.channels_last)
        (maps,) = self.network(x)
        return maps.mean((2, 3))[0].cpu().numpy()


class Fid(InceptionMetric):
    """Fréchet distance of the Inception features of all images of a method, category and factor."""

    name = "fid"
    title = "FID"
    about = "How far the set of results is from the set of true images, for an ImageNet network; needs thousands."
    better = Better.LOWER
    signature = "fid|pytorch-fid-inception|2048|bilinear-299|uint8|v1"

    def new_set(self) -> Moments:
        """Return the moments of no image."""
        return Moments()

    def distance(self, sr: Moments, hr: Moments) -> SetValue:
        """Return the Fréchet distance of two sets."""
        check_sets(self.name, sr, hr)
        note = None if sr.n >= ENOUGH else f"biased upwards: {sr.n} images, not {ENOUGH} or more"
        return SetValue(finite(self.name, frechet(sr, hr)), sr.n, note)


def check_sets(metric: str, sr: SetFeatures, hr: SetFeatures) -> None:
    """Refuse sets that have no variance.

    Raises:
        Unavailable: for fewer than two images a side.
    """
    if min(sr.n, hr.n) < 2:
        what = f"metric {metric} compares sets"
        got = f"{sr.n} SR and {hr.n} HR images"
        raise Unavailable(what, got=got, expected="at least 2 of each", remedy="compare more images")


class Moments:
    """The mean of a set, and a factor F of the scatter F'F about it, updated as Chan, Golub and LeVeque (1979)."""

    def __init__(self) -> None:
        self.n = 0
        self.mean: Doubles = np.zeros(0)
        self._rows: list[Doubles] = []

    def add(self, features: Features) -> None:
        """Take one more image's features, (d,)."""
        one = Moments()
        one.n, one.mean = 1, features.astype(np.float64)
        self.merge(one)

    def merge(self, other: Moments) -> None:
        """Take another set's images."""
        if not self.n:
            self.n, self.mean, self._rows = other.n, other.mean, [*other._rows]
            return
        n = self.n + other.n
        apart = other.mean - self.mean
        self._rows += [*other._rows, apart * np.sqrt(self.n * other.n / n)]
        self.n, self.mean = n, self.mean + apart * (other.n / n)
        if len(self._rows) >= 2 * len(self.mean):
            self._rows = [*self.factor()]

    def factor(self) -> Doubles:
        """Return F, (at most d, d), in float64."""
        rows = np.stack(self._rows)
        return cast("Doubles", np.linalg.qr(rows, mode="r")) if len(rows) > rows.shape[1] else rows


def frechet(a: Moments, b: Moments) -> float:
    """Return |mean difference|² + tr(A) + tr(B) - 2 tr((AB)^½) for the unbiased covariances A and B.

    With A = F'F for a factor F, and B = G'G, the last trace is the sum of the singular values of FG'.
    """
    factor_a, factor_b = (x.factor() / np.sqrt(x.n - 1) for x in (a, b))
    root = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    traces = np.square(factor_a).sum() + np.square(factor_b).sum()
    return float(np.square(a.mean - b.mean).sum() + traces - 2 * root)
