"""Networks that keep the size of an image: they are fed the LR, enlarged with the protocol's kernel.

One that takes a single size, as face restorers take 512 pixels, is fed that, and its result is resized to the
HR's with the same kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import Batch
from methods.shared.networks.cascade import Forward, enlarge

if TYPE_CHECKING:
    from torch import Tensor


def restore(forward: Forward, batch: Batch, side: int | None = None) -> Tensor:
    """Restore LR images one by one; whatever the network draws at random follows the seed of its image.

    Args:
        forward: float32 RGB in [0, 1], (1, 3, h, w) -> the same size, of any range.
        batch: its LR images; square ones when `side` is given.
        side: the one side that the network takes; None for the HR's own size.

    Returns:
        float32 RGB in [0, 1], (N, 3, h * factor, w * factor).
    """
    import torch

    height, width = (length * batch.factor for length in batch.lr.shape[-2:])
    fed = enlarge(batch.lr, side or height, side or width)
    devices = [fed.device] if fed.is_cuda else []
    restored = []
    with torch.inference_mode(), torch.random.fork_rng(devices):
        for image, seed in zip(fed, batch.seeds, strict=True):
            torch.manual_seed(seed)
            restored.append(forward(image[None]).clamp(0, 1))
    result = torch.cat(restored)
    return result if result.shape[-2:] == (height, width) else enlarge(result, height, width)
