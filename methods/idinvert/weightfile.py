"""The weight files of an encoder: what they say of it, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from methods.shared import banks
from methods.shared.weight_files import BankMetadata, Kind, bank_fields

if TYPE_CHECKING:
    from torch import Tensor

    from bench import Bank
    from methods.idinvert.encoder import Encoder

SIDE = 64
"""The largest LR that an encoder reads; every LR is enlarged to this side with the protocol's kernel."""


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of the encoder."""

    widths: tuple[int, ...] = (32, 64, 96, 128, 96)
    """Channels at 64, 32, 16, 8 and 4 pixels."""
    hidden: int = 192
    rank: int = 8


@dataclass(frozen=True, kw_only=True)
class Metadata(BankMetadata):
    """What a weight file says of itself."""

    shape: NetworkConfig


KIND = Kind("idinvert-encoder-1", "idinvert", Metadata)
read_metadata = KIND.read_metadata


def write(
    path: Path, encoder: Encoder, bank: Bank, weights: Mapping[str, Tensor], history: dict[str, Any]
) -> None:
    """Write weights, with what is needed to build the encoder again."""
    KIND.write(path, Metadata(**bank_fields(bank), shape=encoder.shape, history=history), weights)


def incompatibility_reason(path: Path, bank: str) -> str | None:
    """Return why an encoder is none for a bank, as far as the bank's name tells; `read` compares the bank itself.

    Raises:
        AssetError: when the file is not such a file, or cut short.
    """
    metadata = KIND.read_metadata(path)
    if metadata.bank == banks.family(bank) and banks.metadata(bank).resolution in (None, metadata.resolution):
        return None
    return (
        f"idinvert's encoder was trained over {metadata.bank} at {metadata.resolution} pixels, not over {bank}; "
        f"train one with `bench train idinvert --bank {bank}` and name it as weights="
    )


def read(path: Path, bank: Bank) -> Encoder:
    """Build the encoder of a file for a bank, frozen.

    Raises:
        AssetError: when the file is no weight file, is for another bank, or does not fit its own metadata.
    """
    from methods.idinvert.encoder import Encoder

    metadata = KIND.read_metadata(path)
    KIND.check_bank(path, metadata, bank)
    return KIND.build(path, metadata, lambda: Encoder(bank, metadata.shape), len(metadata.shape.widths))
