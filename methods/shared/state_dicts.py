"""State dicts of other projects: taken apart key by key, and loaded into our networks without a gap."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from bench import AssetError
from methods.shared.state_files import CHECK, Tensors, described, some


def strip_prefix(tensors: Tensors, marker: str, origin: Path, what: str) -> Tensors:
    """Return the tensors of the part of a file that holds a marker key, without that part's prefix.

    Raises:
        AssetError: when no part holds it.
    """
    prefixes = [key.removesuffix(marker) for key in tensors if f".{key}".endswith(f".{marker}")]
    if not prefixes:
        raise AssetError(
            f"weight file {origin.name} holds no {what}",
            got=f"keys like {', '.join(list(tensors)[:3])}",
            expected=f"the key {marker}",
        )
    return select_prefix(tensors, min(prefixes, key=average_first))


def average_first(prefix: str) -> tuple[bool, int]:
    """Order prefixes: a moving average before any other network, then the shorter one."""
    return "ema" not in prefix.lower(), len(prefix)


def select_prefix(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors whose names begin with a prefix, without it."""
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def pop_tensor(tensors: Tensors, key: str, origin: Path) -> Tensor:
    """Remove a tensor from what is left of a file, and return it.

    Raises:
        AssetError: when it is not there.
    """
    if key not in tensors:
        raise AssetError(f"weight file {origin.name} is incomplete", got=f"no {key}", remedy="get it again")
    return tensors.pop(key)


def ensure_consumed(tensors: Tensors, origin: Path, what: str) -> None:
    """Refuse a file with keys that its layout does not have.

    Raises:
        AssetError: naming the first one.
    """
    if tensors:
        raise AssetError(f"weight file {origin.name} is no {what}", got=f"the unknown key {min(tensors)}")


def equalised(weight: Tensor, gain: float = 2**0.5) -> Tensor:
    """Return a weight times its run-time scale (equalised learning rate), gain / sqrt(fan-in)."""
    return weight.float() * gain / weight[0].numel() ** 0.5


def length(tensors: Mapping[str, Tensor], name: str, default: int) -> int:
    """Return how long a tensor is, or `default` when there is none: `load_strict` then says that it is missing."""
    return len(tensors[name]) if name in tensors and tensors[name].ndim else default


def load_strict(network: nn.Module, tensors: Mapping[str, Tensor], origin: Path, what: str) -> None:
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
    if got := "; ".join(f"{len(names)} {fault}: {some(names)}" for fault, names in faults.items() if names):
        raise AssetError(f"weight file {described(origin)} is no {what}", got=got, remedy=CHECK)
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=True, assign=True)
