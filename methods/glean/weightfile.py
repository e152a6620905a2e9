"""The weights of an embedded GLEAN on disk: half precision, with what is needed to build the network again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from bench.contracts import Bank
from bench.errors import AssetError
from bench.protocol import write_atomically
from methods.glean.embedded import EmbeddedGlean
from methods.glean.parts import Shape
from methods.weight_files import build, load

__all__ = ["FORMAT", "About", "about", "load", "read", "write"]

FORMAT = "glean-embedded-1"


@dataclass(frozen=True)
class About:
    """What a weight file says of itself."""

    bank: str
    resolution: int
    factors: tuple[int, ...]
    shape: Shape
    history: dict[str, Any]
    """How it was trained: stage, steps, seconds, what it started from."""


def write(path: Path, network: EmbeddedGlean, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
    """Write weights in fp16."""
    bank = network.bank
    about = asdict(About(bank.name, bank.resolution, network.factors, network.shape, history))
    half = {name: value.to(torch.float16).contiguous() for name, value in weights.items()}
    write_atomically(path, save(half, {"format": FORMAT, "about": json.dumps(about)}))


def about(path: Path) -> About:
    """Read what a file says of itself.

    Raises:
        AssetError: when it is not such a file, or cut short.
    """
    try:
        with safe_open(path, "pt") as file:
            said = json.loads((file.metadata() or {})["about"])
        shape = Shape(**said["shape"])
        return About(said["bank"], said["resolution"], tuple(said["factors"]), shape, said["history"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise AssetError(
            f"{path} is not a whole weight file of an embedded GLEAN",
            got=error,
            expected=FORMAT,
            remedy="fetch it again, or train one with `bench train glean`",
        ) from error


def read(path: Path, bank: Bank) -> EmbeddedGlean:
    """Build the network of a file over a bank.

    Raises:
        AssetError: when the file is not a weight file, is for another bank, or does not fit its own description.
    """
    said = about(path)
    if (said.bank, said.resolution) != (bank.name, bank.resolution):
        raise AssetError(
            f"{path} was trained over another bank",
            got=f"{bank.name} at {bank.resolution}",
            expected=f"{said.bank} at {said.resolution}",
            remedy="name that bank, or train over this one with `bench train glean`",
        )
    sizes = [*said.factors, *asdict(said.shape).values()]
    return build(
        path, lambda: EmbeddedGlean(bank, said.factors, said.shape), sizes, "embedded GLEAN", said.shape.blocks
    )
