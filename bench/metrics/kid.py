"""Kernel Inception distance (Bińkowski et al., ICLR 2018) on the features of FID."""

from __future__ import annotations

import numpy as np

from bench.base.metric import Better, SetValue
from bench.metrics.common import finite
from bench.metrics.fid import ENOUGH, Features, InceptionMetric, check_sets

_BLOCK = 2048  # rows of a kernel matrix held at once


class Kid(InceptionMetric):
    """Unbiased squared maximum mean discrepancy, kernel (x·y / d + 1)³, over all images; it may be negative."""

    name = "kid"
    title = "KID"
    about = "As FID, without its bias for small sets."
    better = Better.LOWER
    signature = "kid|pytorch-fid-inception|2048|poly3|unbiased|all-pairs|uint8|v1"

    def new_set(self) -> Rows:
        """Return the features of no image."""
        return Rows()

    def distance(self, sr: Rows, hr: Rows) -> SetValue:
        """Return the distance of two sets."""
        check_sets(self.name, sr, hr)
        note = None if sr.n >= ENOUGH else f"unbiased but noisy: {sr.n} images, not {ENOUGH} or more"
        return SetValue(finite(self.name, mmd(np.stack(sr.rows), np.stack(hr.rows))), sr.n, note)


class Rows:
    """A set's features themselves: no sums are enough for a cubic kernel. 8 kB an image."""

    def __init__(self) -> None:
        self.rows: list[Features] = []

    @property
    def n(self) -> int:
        """How many images."""
        return len(self.rows)

    def add(self, features: Features) -> None:
        """Take one more image's features, (d,)."""
        self.rows.append(features)

    def merge(self, other: Rows) -> None:
        """Take another set's images."""
        self.rows += other.rows


def mmd(a: Features, b: Features) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy."""
    n, m = len(a), len(b)
    within = (_kernel_sum(a, a) - _diagonal_sum(a)) / (n * (n - 1))
    within += (_kernel_sum(b, b) - _diagonal_sum(b)) / (m * (m - 1))
    return within - 2 * _kernel_sum(a, b) / (n * m)


def _kernel_sum(a: Features, b: Features) -> float:
    b = b.astype(np.float64)
    blocks = (a[start : start + _BLOCK].astype(np.float64) for start in range(0, len(a), _BLOCK))
    return float(sum(((block @ b.T / a.shape[1] + 1) ** 3).sum() for block in blocks))


def _diagonal_sum(a: Features) -> float:
    return float(((np.square(a.astype(np.float64)).sum(1) / a.shape[1] + 1) ** 3).sum())
