"""Weight files that others published: read without running what is in them, and fitted without a gap."""

from __future__ import annotations

import argparse
import hashlib
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.assets import digest
from bench.errors import AssetError

Tensors = dict[str, Tensor]

_NAMED_DIGEST = re.compile(r"-([0-9a-f]{8})$")
_SAFE_COPY = (
    "if you trust the file, load it with the code it was made by and save the plain state dicts, "
    "torch.save({'G_ema': G_ema.state_dict(), 'D': D.state_dict()}, 'bank.pt')"
)


def read(path: Path) -> Tensors:
    """Read the tensors of a .safetensors, .pt or .pth file; nested dictionaries become dotted names.

    Raises:
        AssetError: when the file is not there, is damaged, or would have to be unpickled unsafely.
    """
    if not path.is_file():
        raise AssetError(f"weight file {path} is not there", remedy="check the path")
    if path.suffix == ".pkl":
        raise AssetError(f"weight file {_described(path)} is a pickle that can run code", remedy=_SAFE_COPY)
    tensors = dict(_flatten(_load(path)))
    if not tensors:
        raise AssetError(f"weight file {_described(path)} cannot be used", got="no tensor in it")
    return tensors


def _load(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise _damaged(path, error) from error
    try:
        # rosinality's training keeps its arguments in the checkpoint: a Namespace holds data and runs nothing
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        if "GLOBAL" in str(error):
            raise AssetError(f"weight file {_described(path)} holds code", remedy=_SAFE_COPY) from error
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> AssetError:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return AssetError(
        f"weight file {_described(path)} cannot be read",
        got=reason[0].rstrip("."),
        remedy="it is damaged or no weight file; get it again",
    )


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))


def _described(path: Path) -> str:
    return f"{path.name} ({path.stat().st_size:,} bytes)"


def check_name(path: Path) -> None:
    """Check the eight digits of its sha256 that OpenMMLab writes at the end of a released file's name.

    Raises:
        AssetError: when the content is another one.
    """
    named = _NAMED_DIGEST.search(path.stem)
    if named and not (found := digest(path)).startswith(named[1]):
        raise AssetError(
            f"weight file {_described(path)} is not the released one",
            got=f"sha256 {found[:8]}",
            expected=named[1],
            remedy=f"delete {path} and fetch it again",
        )


def fit(network: nn.Module, tensors: Mapping[str, Tensor], origin: Path, what: str) -> None:
    """Put float32 tensors into a network made on the `meta` device: each one has a place, each place has one.

    Raises:
        AssetError: naming what is missing, unexpected, of another shape or not finite.
    """
    places = network.state_dict()
    faults = {
        "missing": [name for name in places if name not in tensors],
        "unexpected": [name for name in tensors if name not in places],
        "of another shape": [
            f"{name} {tuple(tensors[name].shape)}, not {tuple(place.shape)}"
            for name, place in places.items()
            if name in tensors and tensors[name].shape != place.shape
        ],
        "not finite": [name for name, tensor in tensors.items() if not tensor.isfinite().all()],
    }
    if found := "; ".join(f"{len(names)} {fault}: {_some(names)}" for fault, names in faults.items() if names):
        raise AssetError(
            f"weight file {_described(origin)} is no {what}", got=found, remedy="check that it is the right file"
        )
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=True, assign=True)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def length(tensors: Mapping[str, Tensor], name: str, default: int) -> int:
    """Return how long a tensor is, or `default` when there is none: `fit` then says that it is missing."""
    return len(tensors[name]) if name in tensors and tensors[name].ndim else default


def content_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of names and values, whatever file they came from."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
