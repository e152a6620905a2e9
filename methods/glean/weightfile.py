"""The weight files of an embedded GLEAN: what they say of their network, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from methods.shared.weight_files import BankMetadata, Kind, bank_fields

if TYPE_CHECKING:
    from torch import Tensor

    from bench import Bank
    from methods.glean.embedded import EmbeddedGlean


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of the network's parts, in channels."""

    trunk: int = 64
    growth: int = 24
    blocks: int = 3
    encoder: int = 128
    fusion: int = 96
    latent: int = 384
    slot_rank: int = 16
    decoder: int = 96
    """At 32 pixels and below; halved at every second doubling above."""


@dataclass(frozen=True, kw_only=True)
class Metadata(BankMetadata):
    """What a weight file says of itself."""

    factors: tuple[int, ...]
    shape: NetworkConfig


KIND = Kind("glean-embedded-1", "glean", Metadata)
read_metadata = KIND.read_metadata


def write(path: Path, network: EmbeddedGlean, weights: Mapping[str, Tensor], history: dict[str, Any]) -> None:
    """Write weights, with what is needed to build the network again."""
    metadata = Metadata(**bank_fields(network.bank), factors=network.factors, shape=network.shape, history=history)
    KIND.write(path, metadata, weights)


def read(path: Path, bank: Bank) -> EmbeddedGlean:
    """Build the network of a file over a bank, frozen.

    Raises:
        AssetError: when the file is no weight file, is for another bank, or does not fit its own metadata.
    """
    from methods.glean.embedded import EmbeddedGlean

    metadata = KIND.read_metadata(path)
    KIND.check_bank(path, metadata, bank)
    factors, shape = metadata.factors, metadata.shape
    return KIND.build(path, metadata, lambda: EmbeddedGlean(bank, factors, shape), shape.blocks)
