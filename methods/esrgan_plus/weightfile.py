"""The weights of ESRGAN+ on disk: half precision, with what is needed to build it again. Read without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import AssetError

if TYPE_CHECKING:
    from torch import Tensor

    from methods.esrgan_plus.network import EsrganPlusNet

FORMAT = "esrgan-plus-1"


@dataclass(frozen=True)
class About:
    """What a weight file says of itself."""

    inputs: tuple[int, ...]
    resolution: int
    shape: dict[str, Any]
    """Of `methods.esrgan_plus.network.Shape`."""
    history: dict[str, Any]
    """How it was trained."""


def write(path: Path, network: EsrganPlusNet, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
    """Write weights in fp16."""
    import torch
    from safetensors.torch import save

    from bench.protocol import write_atomically

    said = asdict(About(network.inputs, network.resolution, asdict(network.shape), history))
    half = {name: value.to(torch.float16).contiguous() for name, value in weights.items()}
    write_atomically(path, save(half, {"format": FORMAT, "about": json.dumps(said)}))


def about(path: Path) -> About:
    """Read what a file says of itself.

    Raises:
        AssetError: when it is not such a file, or cut short.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            said = json.loads((file.metadata() or {})["about"])
        return About(tuple(said["inputs"]), said["resolution"], dict(said["shape"]), dict(said["history"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise AssetError(
            f"{path} is not a whole weight file of esrgan+",
            got=error,
            expected=FORMAT,
            remedy="fetch it again, or train one with `bench train esrgan+`",
        ) from error


def read(path: Path) -> EsrganPlusNet:
    """Build the network of a file, frozen.

    Raises:
        AssetError: when the file is no weight file, or does not fit its own description.
    """
    from methods.esrgan_plus.network import EsrganPlusNet, Shape
    from methods.weight_files import build

    said = about(path)
    try:
        shape = Shape(**{**said.shape, "narrowing": tuple(said.shape["narrowing"])})
    except (KeyError, TypeError) as error:
        raise AssetError(f"{path} describes no network of this version", got=error) from error
    sizes = [
        *said.inputs,
        said.resolution,
        shape.width,
        shape.growth,
        shape.blocks,
        shape.widest,
        *shape.narrowing,
    ]
    network = build(
        path, lambda: EsrganPlusNet(said.inputs, said.resolution, shape), sizes, "network of esrgan+", shape.blocks
    )
    return network.requires_grad_(False).eval()


def load(network: EsrganPlusNet, path: Path) -> None:
    """Put the weights of a file into a network: to use it, or to go on training it.

    Raises:
        AssetError: when a name or a size is not the network's.
    """
    from methods import weight_files

    weight_files.load(network, path)
