"""Bicubic with its edges raised: a method of one file.

bench methods check docs/examples/sharpened.py
bench run --methods bicubic,docs/examples/sharpened.py
"""

from dataclasses import dataclass

from torch.nn import functional as F

from bench import Batch, Method, Restored
from bench.images.degradation import resize_tensor


class Sharpened(Method):
    """Enlarge with the protocol's bicubic kernel, then add what a blur takes away."""

    name = "sharpened"

    @dataclass(frozen=True)
    class Options:
        """How much is added."""

        strength: float = 0.5

    def restore(self, batch: Batch) -> Restored:
        height, width = (side * batch.factor for side in batch.lr.shape[-2:])
        image = resize_tensor(batch.lr, height, width)
        blurred = F.avg_pool2d(F.pad(image, (2, 2, 2, 2), mode="replicate"), 5, 1)
        return Restored((image + self.options.strength * (image - blurred)).clamp(0, 1))
