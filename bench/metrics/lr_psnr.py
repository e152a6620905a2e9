"""Does the restored image, made small again, give back the LR image it came from?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from bench.assets.declare import Asset
from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.images.degradation import make_lr
from bench.metrics.common import check_size, finite
from bench.metrics.psnr import rgb_psnr

if TYPE_CHECKING:
    import torch


class LrPsnr(ImageMetric):
    """PSNR of the SR image made LR again by the protocol, against the LR image."""

    name: ClassVar[str] = "lr_psnr"
    better: ClassVar[Better] = Better.HIGHER
    signature: ClassVar[str] = "lr_psnr|matlab-bicubic|rgb|crop:0|uint8|cap:100|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "lr"
    unit: ClassVar[str] = "dB"

    def assets(self) -> Sequence[Asset]:
        """Need nothing."""
        return ()

    def load(self, device: torch.device) -> None:
        """Read nothing."""

    def features(self, reference: Pixels) -> Pixels:
        """Keep LR as it is."""
        return reference

    def compare(self, sr: Pixels, features: Pixels, factor: int) -> float:
        """Return the PSNR in dB."""
        again = make_lr(sr, factor)
        check_size(self.name, again, features.shape[:2])
        return finite(self.name, rgb_psnr(again, features))
