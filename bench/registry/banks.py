"""Banks by name, for those who may not import `methods`; and the banks of installed packages, for `methods`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.base.errors import unknown
from bench.registry import BANKS

if TYPE_CHECKING:
    import torch

    from bench.assets.declare import Asset
    from bench.base.bank import Bank


def load_bank(name: str, device: str | torch.device = "cpu") -> Bank:
    """Return a bank by its name or the path of its file, frozen and in evaluation mode.

    Raises:
        UsageError: when no bank has this name.
        AssetError: when its files cannot be had.
    """
    return import_module(BANKS.package).load(name, device)


def bank_assets(name: str) -> Sequence[Asset | Path]:
    """Return the files that a bank needs; errors as of `load_bank`."""
    return import_module(BANKS.package).assets(name)


def plugin_bank(name: str, built_in: Iterable[str]) -> Any:
    """Return the class of a bank that an installed package brings: a `Bank` with `ASSETS` and `load`.

    Args:
        name: of its entry point in the group `bench.banks`.
        built_in: the other names that there are, for the message.

    Raises:
        UsageError: when there is none.
    """
    plugins = [entry.name for entry in BANKS.entries().values() if entry.origin != "built-in"]
    if name not in plugins:
        raise unknown("bank", name, (*built_in, *plugins))
    return BANKS.load(name)
