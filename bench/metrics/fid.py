"""Fréchet Inception distance (Heusel et al., NeurIPS 2017), with the network and formula of `pytorch-fid`.

The trace of the matrix root is taken as the nuclear norm of the two sets' joint factor. It is the same number as
`pytorch-fid`'s sqrtm of the covariances' product, but exact when there are fewer images than dimensions, where
that product is singular. A set is a mean and such a factor: as large for a million images as for a few thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import torch

from bench.assets.declare import Address, Asset
from bench.base.errors import Unavailable
from bench.base.metric import Better, SetMetric, SetValue
from bench.base.types import Pixels
from bench.images.png import to_tensor
from bench.metrics.common import finite, weights

if TYPE_CHECKING:
    from torch import Tensor

    from bench.base.metric import Gathered

    Doubles = npt.NDArray[np.float64]
    Features = npt.NDArray[np.float32]

ENOUGH = 2048
"""Images under which a value carries a warning: the covariance of 2,048 dimensions is not even of full rank."""

INCEPTION = Asset(
    "pytorch-fid/pt_inception-2015-12-05-6726825d.pth",
    "Apache-2.0; the network was trained on ImageNet",
    95_628_359,
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    (
        Address(
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
            "pt_inception-2015-12-05-6726825d.pth"
        ),
    ),
)


class Fid(SetMetric):
    """Fréchet distance of the Inception features of all images of a method, category and factor."""

    name: ClassVar[str] = "fid"
    better: ClassVar[Better] = Better.LOWER
    signature: ClassVar[str] = "fid|pytorch-fid-inception|2048|bilinear-299|uint8|v1"

    def assets(self) -> Sequence[Asset]:
        """Need the Inception network."""
        return (INCEPTION,)

    def load(self, device: torch.device) -> None:
        """Read the network.

        Raises:
            Unavailable: when it cannot be had.
        """
        self.build(read(self.name), device)

    def build(self, state: Mapping[str, Tensor], device: torch.device, dimensions: int = 2048) -> None:
        """Build `pytorch-fid`'s network up to the layer of a width; only 2048 makes an FID."""
        self.device = device
        self.network = inception(state, dimensions).to(device)

    @torch.inference_mode()
    def features(self, image: Pixels) -> Features:
        """Return the pooled features of one image, (d,)."""
        x = to_tensor(image).to(self.device).contiguous(memory_format=torch.channels_last)
        (maps,) = self.network(x)
        pooled: Features = maps.mean((2, 3))[0].cpu().numpy()
        return pooled

    def gather(self) -> Moments:
        """Return an empty set."""
        return Moments()

    def distance(self, sr: Moments, hr: Moments) -> SetValue:
        """Return the Fréchet distance of two sets."""
        check_sets(self.name, sr, hr)
        note = None if sr.n >= ENOUGH else f"biased upwards: {sr.n} images, not {ENOUGH} or more"
        return SetValue(finite(self.name, frechet(sr, hr)), sr.n, note)


def read(metric: str) -> Mapping[str, Tensor]:
    """Return the Inception weights.

    Raises:
        Unavailable: when they cannot be had.
    """
    state: Mapping[str, Tensor] = torch.load(weights(metric, INCEPTION), map_location="cpu", weights_only=True)
    return state


def inception(state: Mapping[str, Tensor], dimensions: int) -> Any:
    """Return `pytorch-fid`'s network up to the layer of a width."""
    from pytorch_fid.inception import InceptionV3

    with _offered(state):
        network = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[dimensions]])
    return network.eval().to(memory_format=torch.channels_last)  # measured on the CPU: 0.6 of the time


@contextmanager
def _offered(state: Mapping[str, Tensor]) -> Iterator[None]:
    """Answer the download in the network's constructor with weights that were verified here."""
    from pytorch_fid import inception as module

    original = module.load_state_dict_from_url
    module.load_state_dict_from_url = lambda *_, **__: state
    try:
        yield
    finally:
        module.load_state_dict_from_url = original


def check_sets(metric: str, sr: Gathered, hr: Gathered) -> None:
    """Refuse sets that have no variance.

    Raises:
        Unavailable: for fewer than two images a side.
    """
    if min(sr.n, hr.n) < 2:
        raise Unavailable(
            f"metric {metric} compares sets",
            got=f"{sr.n} SR and {hr.n} HR images",
            expected="at least 2 of each",
            remedy="compare more images",
        )


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
