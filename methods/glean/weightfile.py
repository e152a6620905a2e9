"""The weights of an embedded GLEAN on disk: half precision, with what is needed to build the network again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bench import Bank
from methods.glean.embedded import EmbeddedGlean
from methods.glean.parts import Shape
from methods.shared import weight_files
from methods.shared.weight_files import Kind, Trained, load

__all__ = ["KIND", "About", "about", "load", "read", "write"]

KIND = Kind("glean-embedded-1", "an embedded GLEAN", "glean")


@dataclass(frozen=True)
class About:
    """What a weight file says of itself."""

    bank: str
    resolution: int
    factors: tuple[int, ...]
    shape: Shape
    history: dict[str, Any]
    """How it was trained: stage, steps, seconds, what it started from."""
    digest: str = ""
    """Of the bank; empty in a file of an earlier version."""


def write(path: Path, network: EmbeddedGlean, weights: dict[str, Tensor], history: dict[str, Any]) -> None:
    """Write weights in fp16."""
    bank = network.bank
    said = About(bank.name, bank.resolution, network.factors, network.shape, history, bank.digest)
    weight_files.write(path, KIND, said, weights)


def about(path: Path) -> About:
    """Read what a file says of itself.

    Raises:
        AssetError: when it is not such a file, or cut short.
    """
    return weight_files.describe(path, KIND, _parse)


def _parse(said: dict[str, Any]) -> About:
    shape = Shape(**said["shape"])
    digest = str(said.get("digest", ""))
    return About(said["bank"], said["resolution"], tuple(said["factors"]), shape, dict(said["history"]), digest)


def read(path: Path, bank: Bank) -> EmbeddedGlean:
    """Build the network of a file over a bank.

    Raises:
        AssetError: when the file is not a weight file, is for another bank, or does not fit its own description.
    """
    said = about(path)
    weight_files.check_bank(path, KIND, Trained(said.bank, said.resolution, said.digest), bank)
    sizes = [*said.factors, *asdict(said.shape).values()]

    def make() -> EmbeddedGlean:
        return EmbeddedGlean(bank, said.factors, said.shape)

    return weight_files.build(path, make, sizes, "embedded GLEAN", said.shape.blocks)
