"""Does the restored image, made small again, give back the LR image it came from?"""

from bench.base.metric import Better, ImageMetric
from bench.base.types import Pixels
from bench.images.degradation import make_lr
from bench.metrics.common import check_size, finite
from bench.metrics.psnr import rgb_psnr


class LrPsnr(ImageMetric):
    """PSNR of the SR image made LR again by the protocol, against the LR image."""

    name = "lr_psnr"
    title = "LR-PSNR"
    about = "Whether the result, made small again, is the input; 50 dB and more is as good as exact."
    better = Better.HIGHER
    signature = "lr_psnr|matlab-bicubic|rgb|crop:0|uint8|cap:100|v1"
    reference = "lr"
    unit = "dB"

    def compare(self, sr: Pixels, features: Pixels, factor: int) -> float:
        """Return the PSNR in dB."""
        again = make_lr(sr, factor)
        check_size(self.name, again, features.shape[:2])
        return finite(self.name, rgb_psnr(again, features))
