"""Fréchet Inception distance (Heusel et al., NeurIPS 2017), with the network and formula of `pytorch-fid`.

The trace of the matrix root is taken as the nuclear norm of the two sets' joint factor. It is the same number as
`pytorch-fid`'s sqrtm of the covariances' product, but exact when there are fewer images than dimensions, where
that product is singular.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from bench.assets import Address, Asset
from bench.contracts import Better, Pixels, SetValue
from bench.errors import Unavailable
from bench.metrics.common import finite, weights
from bench.protocol import to_tensor

if TYPE_CHECKING:
    from torch import Tensor

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


class Fid:
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

    def distance(self, sr: Features, hr: Features) -> SetValue:
        """Return the Fréchet distance of two sets of features, (n, d) each."""
        check_sets(self.name, sr, hr)
        note = None if len(sr) >= ENOUGH else f"biased upwards: {len(sr)} images, not {ENOUGH} or more"
        return SetValue(finite(self.name, frechet(sr, hr)), len(sr), note)


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


def check_sets(metric: str, sr: Features, hr: Features) -> None:
    """Refuse sets that have no variance.

    Raises:
        Unavailable: for fewer than two images a side.
    """
    if min(len(sr), len(hr)) < 2:
        raise Unavailable(
            f"metric {metric} compares sets",
            got=f"{len(sr)} SR and {len(hr)} HR images",
            expected="at least 2 of each",
            remedy="compare more images",
        )


def frechet(a: Features, b: Features) -> float:
    """Return |mean difference|² + tr(A) + tr(B) - 2 tr((AB)^½) for the unbiased covariances A and B.

    With A = F'F for a factor F, and B = G'G, the last trace is the sum of the singular values of FG'.
    """
    (mean_a, factor_a), (mean_b, factor_b) = _moments(a), _moments(b)
    root = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    traces = np.square(factor_a).sum() + np.square(factor_b).sum()
    return float(np.square(mean_a - mean_b).sum() + traces - 2 * root)


def _moments(x: Features) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mean (d,) and a factor (at most d, d) of the covariance, in float64."""
    values = x.astype(np.float64)
    mean = values.mean(0)
    factor = (values - mean) / np.sqrt(len(values) - 1)
    if len(factor) > factor.shape[1]:
        factor = np.linalg.qr(factor, mode="r")
    return mean, factor
