"""Pretrained generators used as latent banks, one module each, behind `bench.contracts.Bank`.

A bank's module has `ASSETS` and `load(device)`. To add one, add a line to `_module`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import unknown

if TYPE_CHECKING:
    import torch

    from bench.assets import Asset
    from bench.contracts import Bank

NAMES = ("mobilestylegan",)


def load(name: str, device: str | torch.device = "cpu") -> Bank:
    """Return a bank by name, frozen and in evaluation mode.

    Raises:
        UsageError: when no bank has this name.
        AssetError: when its files cannot be had.
    """
    bank: Bank = _module(name).load(device)
    return bank


def assets(name: str) -> Sequence[Asset]:
    """Return the files that a bank needs.

    Raises:
        UsageError: when no bank has this name.
    """
    declared: Sequence[Asset] = _module(name).ASSETS
    return declared


def _module(name: str) -> Any:
    # Written as imports, not looked up by a string: a method's identity follows what its source imports.
    match name:
        case "mobilestylegan":
            from methods.banks import mobilestylegan

            return mobilestylegan
    raise unknown("bank", name, NAMES)
