"""An encoder's weights on disk: half precision, with what is needed to build it again. Read without torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import AssetError
from methods.shared import banks, weight_files
from methods.shared.weight_files import Kind, Trained, load

if TYPE_CHECKING:
    from torch import Tensor

    from bench import Bank
    from methods.idinvert.encoder import Encoder

__all__ = ["KIND", "SIDE", "About", "about", "load", "incompatibility_reason", "read", "write"]

KIND = Kind("idinvert-encoder-1", "an idinvert encoder", "idinvert")
SIDE = 64
"""The largest LR that an encoder reads."""


@dataclass(frozen=True)
class About:
    """What a weight file says of itself."""

    bank: str
    resolution: int
    shape: dict[str, Any]
    """Of `methods.idinvert.encoder.Shape`."""
    history: dict[str, Any]
    """How it was trained."""
    digest: str = ""
    """Of the bank; empty in a file of an earlier version."""


def write(path: Path, encoder: Encoder, bank: Bank, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
    """Write weights in fp16."""
    said = About(bank.name, bank.resolution, asdict(encoder.shape), history, bank.digest)
    weight_files.write(path, KIND, said, weights)


def about(path: Path) -> About:
    """Read what a file says of itself.

    Raises:
        AssetError: when it is not such a file, or cut short.
    """
    return weight_files.describe(path, KIND, _parse)


def _parse(said: dict[str, Any]) -> About:
    digest = str(said.get("digest", ""))
    return About(said["bank"], said["resolution"], dict(said["shape"]), dict(said["history"]), digest)


def incompatibility_reason(path: Path, bank: str) -> str | None:
    """Return why an encoder is none for a bank, as far as the bank's name tells; `read` compares the bank itself.

    Raises:
        AssetError: when the file is not such a file, or cut short.
    """
    said = about(path)
    if said.bank == banks.family(bank) and banks.about(bank).resolution in (None, said.resolution):
        return None
    return (
        f"idinvert's encoder was trained over {said.bank} at {said.resolution} pixels, not over {bank}; train one "
        f"with `bench train idinvert --bank {bank}` and name it as weights="
    )


def read(path: Path, bank: Bank) -> Encoder:
    """Build the encoder of a file for a bank, frozen.

    Raises:
        AssetError: when the file is no weight file, is for another bank, or does not fit its own description.
    """
    from methods.idinvert.encoder import Encoder, Shape

    said = about(path)
    weight_files.check_bank(path, KIND, Trained(said.bank, said.resolution, said.digest), bank)
    try:
        shape = Shape(**{**said.shape, "widths": tuple(said.shape["widths"])})
    except (KeyError, TypeError) as error:
        raise AssetError(f"{path} describes no encoder of this version", got=error) from error
    encoder = weight_files.build(
        path, lambda: Encoder(bank, shape), [*shape.widths, shape.hidden, shape.rank], "encoder", len(shape.widths)
    )
    return encoder.requires_grad_(False).eval()
