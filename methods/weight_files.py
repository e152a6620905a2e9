"""What the suite's own weight files share: they describe a network, and hold its weights in half precision.

A description is believed only after the network that it speaks of, built without memory, has the names and shapes
that the file holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bench.errors import AssetError
from methods.banks.state_files import building, check_plain

LARGEST = 16_384
"""No side, width or count of a network is larger."""

Network = TypeVar("Network", bound=nn.Module)


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
