"""The weights of ESRGAN+ on disk: half precision, with what is needed to build it again. Read without torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import AssetError
from methods.shared import weight_files
from methods.shared.weight_files import Kind, load

if TYPE_CHECKING:
    from torch import Tensor

    from methods.esrgan_plus.network import EsrganPlusNet

__all__ = ["KIND", "About", "about", "load", "read", "write"]

KIND = Kind("esrgan-plus-1", "esrgan+", "esrgan+")


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
    said = About(network.inputs, network.resolution, asdict(network.shape), history)
    weight_files.write(path, KIND, said, weights)


def about(path: Path) -> About:
    """Read what a file says of itself.

    Raises:
        AssetError: when it is not such a file, or cut short.
    """
    return weight_files.describe(path, KIND, _parse)


def _parse(said: dict[str, Any]) -> About:
    return About(tuple(said["inputs"]), said["resolution"], dict(said["shape"]), dict(said["history"]))


def read(path: Path) -> EsrganPlusNet:
    """Build the network of a file, frozen.

    Raises:
        AssetError: when the file is no weight file, or does not fit its own description.
    """
    from methods.esrgan_plus.network import EsrganPlusNet, Shape

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
    network = weight_files.build(
        path, lambda: EsrganPlusNet(said.inputs, said.resolution, shape), sizes, "network of esrgan+", shape.blocks
    )
    return network.requires_grad_(False).eval()
