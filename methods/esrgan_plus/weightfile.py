"""The weight files of ESRGAN+: what they say of their network, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from methods.shared import weight_files
from methods.shared.weight_files import Kind

if TYPE_CHECKING:
    from torch import Tensor

    from methods.esrgan_plus.network import EsrganPlusNet


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of the network; the default costs what the embedded GLEAN does, within 15 % at every factor."""

    width: int = 64
    growth: int = 16
    blocks: int = 3
    widest: int = 128
    """The resolution up to which the doublings keep the trunk's width."""
    narrowing: tuple[int, ...] = (48, 32, 16)
    """Channels at each doubling above, the last one for all that follow."""

    def channels(self, resolution: int) -> int:
        """Return the channels at a resolution."""
        above = (resolution // self.widest).bit_length() - 1
        return self.width if above <= 0 else self.narrowing[min(above, len(self.narrowing)) - 1]


@dataclass(frozen=True, kw_only=True)
class Metadata(weight_files.Metadata):
    """What a weight file says of itself."""

    inputs: tuple[int, ...]
    """The sides of the LR images."""
    shape: NetworkConfig


KIND = Kind("esrgan-plus-1", "esrgan+", Metadata)
read_metadata = KIND.read_metadata


def write(path: Path, network: EsrganPlusNet, weights: Mapping[str, Tensor], history: dict[str, Any]) -> None:
    """Write weights, with what is needed to build the network again."""
    metadata = Metadata(inputs=network.inputs, resolution=network.resolution, shape=network.shape, history=history)
    KIND.write(path, metadata, weights)


def read(path: Path) -> EsrganPlusNet:
    """Build the network of a file, frozen.

    Raises:
        AssetError: when the file is no weight file, or does not fit its own metadata.
    """
    from methods.esrgan_plus.network import EsrganPlusNet

    metadata = KIND.read_metadata(path)
    inputs, resolution, shape = metadata.inputs, metadata.resolution, metadata.shape
    return KIND.build(path, metadata, lambda: EsrganPlusNet(inputs, resolution, shape), shape.blocks)
