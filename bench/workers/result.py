"""What a method's result must be: one rule for the workers and for `bench methods check`."""

import math
from typing import Any

import torch

from bench.base.errors import MethodError
from bench.base.types import Batch, Restored

_OVERSHOOT = 0.5
"""How far a value may lie outside [0, 1]; saving clips it."""


def check_result(restored: Any, batch: Batch) -> Restored:
    """Return what `restore` returned, when it keeps the contract.

    `sr` is float32 RGB, (N, 3, h * factor, w * factor), finite, in [0, 1] with an overshoot of at most
    `_OVERSHOOT`; `values` has one mapping an image, or none.

    Raises:
        MethodError: when it does not. Its `what` is "wrong result", "wrong shape", "wrong dtype", "wrong range" or
            "values that are not finite".
    """
    if not isinstance(restored, Restored):
        got = type(restored).__name__
        raise MethodError("wrong result", got=got, expected="bench.Restored", remedy="return Restored(sr)")
    sr: Any = restored.sr
    if not isinstance(sr, torch.Tensor):
        got = f"Restored.sr of type {type(sr).__name__}"
        raise MethodError("wrong result", got=got, expected="torch.Tensor")
    _check_tensor(sr, batch)
    if len(restored.values) not in (0, len(batch.images)):
        got = f"{len(restored.values)} mappings of values for {len(batch.images)} images"
        raise MethodError("wrong result", got=got, expected="one an image, or none")
    return restored


def _check_tensor(sr: torch.Tensor, batch: Batch) -> None:
    count, _, height, width = batch.lr.shape
    shape = (count, 3, height * batch.factor, width * batch.factor)
    if tuple(sr.shape) != shape:
        raise MethodError("wrong shape", got=tuple(sr.shape), expected=shape)
    if sr.dtype != torch.float32:
        raise MethodError("wrong dtype", got=sr.dtype, expected="torch.float32", remedy="end with .float()")
    low, high = float(sr.min()), float(sr.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        got = f"{int((~sr.isfinite()).sum())} of the result's {sr.numel()} values NaN or infinite"
        raise MethodError("values that are not finite", got=got, expected="none")
    if low < -_OVERSHOOT or high > 1 + _OVERSHOOT:
        expected = f"[0, 1], or at most {_OVERSHOOT} beyond it, which is clipped"
        raise MethodError("wrong range", got=f"[{low:.3g}, {high:.3g}]", expected=expected, remedy="clamp it")
