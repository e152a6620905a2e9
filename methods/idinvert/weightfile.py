"""An encoder's weights on disk: half precision, with what is needed to build it again. Read without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import AssetError

if TYPE_CHECKING:
    from torch import Tensor

    from bench.contracts import Bank
    from methods.idinvert.encoder import Encoder

FORMAT = "idinvert-encoder-1"
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


def write(path: Path, encoder: Encoder, bank: Bank, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
    """Write weights in fp16."""
    import torch
    from safetensors.torch import save

    from bench.protocol import write_atomically

    said = asdict(About(bank.name, bank.resolution, asdict(encoder.shape), history))
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
        return About(said["bank"], said["resolution"], dict(said["shape"]), dict(said["history"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise AssetError(
            f"{path} is not a whole weight file of an idinvert encoder",
            got=error,
            expected=FORMAT,
            remedy="fetch it again, or train one with `bench train idinvert`",
        ) from error


def read(path: Path, bank: Bank) -> Encoder:
    """Build the encoder of a file for a bank, frozen.

    Raises:
        AssetError: when the file is no weight file, is for another bank, or does not fit its own description.
    """
    from methods.idinvert.encoder import Encoder, Shape
    from methods.weight_files import build

    said = about(path)
    if (said.bank, said.resolution) != (bank.name, bank.resolution):
        raise AssetError(
            f"{path} was trained over another bank",
            got=f"{bank.name} at {bank.resolution}",
            expected=f"{said.bank} at {said.resolution}",
            remedy="name that bank, or train over this one with `bench train idinvert`",
        )
    try:
        shape = Shape(**{**said.shape, "widths": tuple(said.shape["widths"])})
    except (KeyError, TypeError) as error:
        raise AssetError(f"{path} describes no encoder of this version", got=error) from error
    encoder = build(
        path, lambda: Encoder(bank, shape), [*shape.widths, shape.hidden, shape.rank], "encoder", len(shape.widths)
    )
    return encoder.requires_grad_(False).eval()


def load(encoder: Encoder, path: Path) -> None:
    """Put the weights of a file into an encoder: to use it, or to go on training it.

    Raises:
        AssetError: when a name or a size is not the encoder's.
    """
    from methods import weight_files

    weight_files.load(encoder, path)
