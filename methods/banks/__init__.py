"""Pretrained generators used as latent banks, one module each, behind `bench.contracts.Bank`.

A bank's module has `ASSETS` and `load(device)`. To add one, add a line to `_module`. The path of a weight file
is a name too: that of a StyleGAN2 bank, or with `pggan:`, `stylegan1:` or `biggan:` before it of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import unknown

if TYPE_CHECKING:
    import torch

    from bench.assets import Asset
    from bench.contracts import Bank

NAMES = (
    "mobilestylegan",
    "stylegan2-ffhq",
    "stylegan2-car",
    "stylegan2-cat",
    "stylegan2-church",
    "stylegan2-horse",
    "stylegan2-ffhq-256",
    "pggan-celebahq",
    "pggan-cat",
    "pggan-car",
    "pggan-bedroom",
    "pggan-tower",
    "biggan-128",
    "biggan-256",
    "stylegan1-ffhq",
    "stylegan1-ffhq-256",
    "stylegan1-tower-256",
    "stylegan1-bedroom-256",
)
_FAMILIES = ("pggan", "stylegan1", "biggan")
_WEIGHT_FILES = (".pt", ".pth", ".safetensors", ".pkl")


class About(NamedTuple):
    """What is known of a bank before it is read, torch included."""

    resolution: int | None
    kind: str | None
    """What it shows (`faces`, ...)."""
    readout: int
    """The largest resolution of its read-outs; 0 when it has none."""


def about(name: str) -> About:
    """Say what is known of a bank by its name alone: little, except of the embedded one."""
    return About(1024, "faces", 256) if name == "mobilestylegan" else About(None, None, 0)


def load(name: str, device: str | torch.device = "cpu") -> Bank:
    """Return a bank by name, frozen and in evaluation mode.

    Raises:
        UsageError: when no bank has this name.
        AssetError: when its files cannot be had.
    """
    bank: Bank = _module(name).load(device)
    return bank


def assets(name: str) -> Sequence[Asset | Path]:
    """Return the files that a bank needs.

    Raises:
        UsageError: when no bank has this name.
    """
    declared: Sequence[Asset | Path] = _module(name).ASSETS
    return declared


def _module(name: str) -> Any:
    # Written as imports, not looked up by a string: a method's identity follows what its source imports.
    match name:
        case "mobilestylegan":
            from methods.banks import mobilestylegan

            return mobilestylegan
        case _ if name.startswith(_FAMILIES) and (name in NAMES or ":" in name):
            from methods.banks import released

            return released.source(name)
        case _ if name in NAMES or name.endswith(_WEIGHT_FILES):
            from methods.banks import stylegan2_files

            return stylegan2_files.source(name)
    raise unknown("bank", name, NAMES)
