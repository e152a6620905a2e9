"""What the suite's own weight files share: they describe a network, and hold its weights in half precision.

A description is believed only after the network that it speaks of, built without memory, has the names and shapes
that the file holds. The description is read without torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bench import AssetError
from bench.base.files import file_digest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from torch import Tensor, nn

    from bench import Bank

LARGEST = 16_384
"""No side, width or count of a network is larger."""
TRAINED_WITH = "trained with"
"""In a file's history: the metrics whose network its training used."""
PHOTOGRAPHS = "photographs"
"""In a file's history: how many photographs its training saw beside the bank's samples."""

BEFORE = "steps before"
"""In a file's history: the steps of the trainings that its own went on from."""


class Trained(NamedTuple):
    """The bank that a file was trained over."""

    name: str
    resolution: int
    digest: str
    """Empty in a file of an earlier version, which did not record it."""


class Kind(NamedTuple):
    """One method's weight files."""

    format: str
    """Their mark: the method and a version."""
    what: str
    """With its article, for errors."""
    method: str
    """Whose trainer writes them."""


About = TypeVar("About", bound="DataclassInstance")
Network = TypeVar("Network", bound="nn.Module")


def write(path: Path, kind: Kind, about: DataclassInstance, weights: dict[str, Tensor]) -> None:
    """Write weights in fp16, with their description."""
    import torch
    from safetensors.torch import save

    from bench.base.files import write_atomically

    half = {name: value.to(torch.float16).contiguous() for name, value in weights.items()}
    write_atomically(path, save(half, {"format": kind.format, "about": json.dumps(asdict(about))}))


def describe(path: Path, kind: Kind, parse: Callable[[dict[str, Any]], About]) -> About:
    """Read what a file says of itself, without torch.

    Raises:
        AssetError: when it is not such a file, of another version, or cut short.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            said = file.metadata() or {}
        if said["format"] != kind.format:
            raise ValueError(f"a file of the format {said['format']:.40}")
        return parse(json.loads(said["about"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise AssetError(
            f"{path} is not a whole weight file of {kind.what}",
            got=error,
            expected=kind.format,
            remedy=f"fetch it again, or train one with `bench train {kind.method}`",
        ) from error


def is_ours(path: Path) -> bool:
    """Say whether a .safetensors file describes itself; true as well of one that cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return "about" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return True


def count(path: Path) -> int:
    """Return how many parameters a file holds, without reading them."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 (no mapping)


def marks(history: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics whose network a training used, as the history in its weight file says."""
    return tuple(str(name) for name in history.get(TRAINED_WITH) or ())


def marked(history: Mapping[str, Any], judges: Iterable[str]) -> dict[str, Any]:
    """Return a history whose marks are its own and these: a mark that weights once had is never lost."""
    return {**history, TRAINED_WITH: sorted({*marks(history), *judges})}


def steps(history: Mapping[str, Any]) -> int:
    """Return the steps of a training and of those that it went on from, as far as its file says."""
    return int(history.get(BEFORE, 0)) + int(history.get("steps", 0))


def begun(start: Path | None, about: Callable[[Path], Any], photographs: int) -> dict[str, object]:
    """Return how a history begins: with the file that a training starts from, its steps, marks and photographs.

    Args:
        start: the file.
        about: reads its description.
        photographs: how many the training itself sees.

    Raises:
        AssetError: when it is not such a file, or cut short.
    """
    if start is None:
        return {"started from": None, BEFORE: 0, PHOTOGRAPHS: photographs}
    before = about(start).history
    history: dict[str, object] = {
        "started from": file_digest(start),
        BEFORE: steps(before),
        TRAINED_WITH: marks(before),
    }
    # Files of an earlier version do not say what they saw, and then neither can what follows them.
    return history | ({PHOTOGRAPHS: max(before[PHOTOGRAPHS], photographs)} if PHOTOGRAPHS in before else {})


def check_bank(path: Path, kind: Kind, over: Trained, bank: Bank) -> None:
    """Compare the bank that a file was trained over with the bank at hand; its digest where the file has one.

    Raises:
        AssetError: when they differ.
    """
    found = Trained(bank.name, bank.resolution, bank.digest if over.digest else "")
    if found != over:
        got, expected = (
            f"{one.name} at {one.resolution}{one.digest and f', sha256 {one.digest:.8}'}" for one in (found, over)
        )
        raise AssetError(
            f"{path} was trained over another bank",
            got=got,
            expected=expected,
            remedy=f"name that bank, or train over this one with `bench train {kind.method}`",
        )


def build(path: Path, make: Callable[[], Network], sizes: Iterable[object], what: str, blocks: int = 0) -> Network:
    """Build the network that a file describes, and put the file's weights into it.

    Args:
        path: the file.
        make: makes the network of the description.
        sizes: every number of the description.
        what: the network, for the error.
        blocks: how many repeated parts it speaks of.

    Raises:
        AssetError: when the description means no network, or not that of the weights.
    """
    import torch

    from methods.shared.state_files import building

    found = tensors(path)
    for size in sizes:
        if type(size) is not int or not 0 < size <= LARGEST:
            raise AssetError(f"{path} describes no {what} of this version", got=f"the size {size!s:.60}")
    if blocks > len(found):
        raise AssetError(
            f"{path} describes no {what} of this version", got=f"{blocks} blocks of {len(found)} weights"
        )
    with building(path, what):
        with torch.device("meta"):
            check(make(), found, path)
        network = make()
    network.load_state_dict(found, strict=True)
    return network


def load(network: nn.Module, path: Path) -> None:
    """Put the weights of a file into a network: to use it, or to go on training it.

    Raises:
        AssetError: when a name or a size is not the network's.
    """
    found = tensors(path)
    check(network, found, path)
    network.load_state_dict(found, strict=True)


def tensors(path: Path) -> dict[str, Tensor]:
    """Read the weights of a file, in float32.

    Raises:
        AssetError: when it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from methods.shared.state_files import check_plain

    try:
        found = load_file(path)
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise AssetError(f"{path} is not a whole weight file", got=error, remedy="get it again") from error
    check_plain(found, path)
    return {name: value.float() for name, value in found.items()}


def check(network: nn.Module, found: dict[str, Tensor], path: Path) -> None:
    """Compare names and shapes.

    Raises:
        AssetError: naming the first that differs.
    """
    wanted = {name: tuple(value.shape) for name, value in network.named_parameters()}
    shapes = {name: tuple(value.shape) for name, value in found.items()}
    if wanted != shapes:
        wrong = min(name for name in wanted.keys() | shapes.keys() if wanted.get(name) != shapes.get(name))
        raise AssetError(
            f"{path} does not fit the network at {wrong}",
            got=shapes.get(wrong, "nothing"),
            expected=wanted.get(wrong, "nothing"),
            remedy="use a file that this version's trainer wrote",
        )
