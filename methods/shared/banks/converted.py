"""What the banks converted from other projects' releases share: their key tables, and the random numbers of z.

Equalised learning rates and spectral norms are folded into the weights when a file is read, so that what is left
is a plain network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench import AssetError, FeatureHook, MethodError
from bench.base import seeds
from methods.shared.banks.state_files import Tensors


def draw(indices: Sequence[int], domain: seeds.Domain, width: int) -> Tensor:
    """Draw Gaussian z (N, width), one an index, in float64."""
    return torch.from_numpy(np.stack([seeds.normal(domain, index, (width,)) for index in indices])).double()


def equalised(weight: Tensor, gain: float = 2**0.5) -> Tensor:
    """Return a weight times its run-time scale, gain / sqrt(fan-in)."""
    scaled: Tensor = weight.float() * gain / weight[0].numel() ** 0.5
    return scaled


def pixel_norm(x: Tensor) -> Tensor:
    """Scale each position's channels to a root mean square of 1."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


def below(tensors: Tensors, marker: str, origin: Path, what: str) -> Tensors:
    """Return the tensors of the part of a file that holds a marker key, without that part's prefix.

    Raises:
        AssetError: when no part holds it.
    """
    found = [key.removesuffix(marker) for key in tensors if f".{key}".endswith(f".{marker}")]
    if not found:
        raise AssetError(
            f"weight file {origin.name} holds no {what}",
            got=f"keys like {', '.join(list(tensors)[:3])}",
            expected=f"the key {marker}",
        )
    prefix = min(found, key=lambda one: ("ema" not in one.lower(), len(one)))
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def take(tensors: Tensors, key: str, origin: Path) -> Tensor:
    """Remove a tensor from what is left of a file, and return it.

    Raises:
        AssetError: when it is not there.
    """
    if key not in tensors:
        raise AssetError(f"weight file {origin.name} is incomplete", got=f"no {key}", remedy="get it again")
    return tensors.pop(key)


def nothing_left(tensors: Tensors, origin: Path, what: str) -> None:
    """Refuse a file with keys that its layout does not have.

    Raises:
        AssetError: naming the first one.
    """
    if tensors:
        raise AssetError(f"weight file {origin.name} is no {what}", got=f"the unknown key {min(tensors)}")


def check_range(
    bank: str, resolutions: Sequence[int], start: tuple[int, Tensor] | None, stop_at: int | None
) -> None:
    """Refuse to begin or stop where a bank has no feature.

    Raises:
        MethodError: naming the resolution.
    """
    for what, r in (("start", start and start[0]), ("stop", stop_at)):
        if r is not None and r not in resolutions:
            raise MethodError(f"bank {bank} cannot {what} there", got=r, expected=list(resolutions))


def fused(feature_hook: FeatureHook | None, resolution: int, x: Tensor) -> Tensor:
    """Let a caller replace a feature."""
    return x if feature_hook is None else feature_hook(resolution, x)
