"""Pretrained generators used as latent banks, one module each, behind `bench.base.Bank`.

A bank's module has `ASSETS` and `load(device)`. To add one, add a line to `_module`. The path of a weight file
is a name too: that of a StyleGAN2 bank, or with `pggan:`, `stylegan1:` or `biggan:` before it of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bench import MethodError, plugin_bank

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from bench import Asset, Bank, Synthesis

_FAMILIES = ("pggan", "stylegan1", "biggan")
_WEIGHT_FILES = (".pt", ".pth", ".safetensors", ".pkl")


class Metadata(NamedTuple):
    """What a bank's name tells before it is read, torch included."""

    resolution: int | None = None
    kind: str | None = None
    """What it shows (`faces`, ...)."""
    surrogate: int = 0
    """The largest resolution of its surrogates; 0 when it has none."""
    classes: int | None = 0
    """How many classes a label chooses from: 0 when it has none, None when only its file says."""
    discriminator: bool = False
    """Whether its files hold a discriminator for certain."""
    trained_on: str | None = None
    """The data set that its training saw, as cards of categories call it."""


_METADATA = {
    "mobilestylegan": Metadata(1024, "faces", surrogate=256, trained_on="FFHQ"),
    "stylegan2-ffhq": Metadata(1024, "faces", trained_on="FFHQ"),
    "stylegan2-car": Metadata(512, "cars", trained_on="LSUN car"),
    "stylegan2-cat": Metadata(256, "cats", trained_on="LSUN cat"),
    "stylegan2-church": Metadata(256, "churches"),
    "stylegan2-horse": Metadata(256, "horses"),
    "stylegan2-ffhq-256": Metadata(256, "faces", trained_on="FFHQ"),
    "pggan-celebahq": Metadata(1024, "faces", trained_on="CelebA-HQ"),
    "pggan-cat": Metadata(256, "cats", trained_on="LSUN cat"),
    "pggan-car": Metadata(256, "cars", trained_on="LSUN car"),
    "pggan-bedroom": Metadata(256, "bedrooms"),
    "pggan-tower": Metadata(256, "towers"),
    "biggan-128": Metadata(128, classes=1000, discriminator=True),
    "biggan-256": Metadata(256, classes=1000, discriminator=True),
    "stylegan1-ffhq": Metadata(1024, "faces", trained_on="FFHQ"),
    "stylegan1-ffhq-256": Metadata(256, "faces", trained_on="FFHQ"),
    "stylegan1-tower-256": Metadata(256, "towers"),
    "stylegan1-bedroom-256": Metadata(256, "bedrooms"),
}
NAMES = tuple(_METADATA)


def metadata(name: str) -> Metadata:
    """Return what a bank's name tells; of a user's own file only whether its family has classes."""
    return _METADATA.get(name, Metadata(classes=None if name.startswith("biggan:") else 0))


def data_sets(name: str) -> tuple[str, ...]:
    """Return the data sets that the training of a bank saw, as far as its name tells."""
    data_set = metadata(name).trained_on
    return (data_set,) if data_set else ()


def family(name: str) -> str:
    """Return the `Bank.name` that a bank of this name, or file, has once it is read."""
    if name.startswith(_FAMILIES) and (name in NAMES or ":" in name):
        return next(one for one in _FAMILIES if name.startswith(one))
    return name if name == "mobilestylegan" else "stylegan2"


def class_incompatibility(name: str, label: int) -> str | None:
    """Return why a bank cannot be asked for a class (-1: for none), as far as that is known before it is read."""
    classes = metadata(name).classes
    if label < 0:
        return None if classes == 0 else f"the bank {name} needs a class of its own, such as label=0"
    if classes == 0:
        return f"the bank {name} has no classes, so it cannot take label={label}"
    if classes is not None and label >= classes:
        return f"the bank {name} has the classes 0 to {classes - 1}, not label={label}"
    return None


def load(name: str, device: str | torch.device = "cpu") -> Bank:
    """Return a bank by name, frozen and in evaluation mode.

    Raises:
        UsageError: when no bank has this name.
        AssetError: when its files cannot be had.
    """
    return _module(name).load(device)


def assets(name: str) -> Sequence[Asset | Path]:
    """Return the files that a bank needs.

    Raises:
        UsageError: when no bank has this name.
    """
    return _module(name).ASSETS


def full_image(synthesis: Synthesis) -> Tensor:
    """Return the image of a full pass, in [-1, 1].

    Raises:
        MethodError: when the bank made none.
    """
    if synthesis.image is None:
        raise MethodError("a full pass of the bank made no image")
    return synthesis.image


def bank_noise(bank: Bank) -> list[Tensor]:
    """Return the bank's own noise maps in the units in which it takes others, coarse to fine."""
    buffers = dict(cast("nn.Module", bank).named_buffers())
    maps = {name: value for name, value in buffers.items() if name.endswith("noise")}
    # A bank whose maps have their strength folded in keeps it beside them.
    strengths = (buffers.get(f"{name.removesuffix('noise')}strength") for name in maps)
    return [m if s is None else m / s.clamp(min=1e-12) for m, s in zip(maps.values(), strengths, strict=True)]


def _module(name: str) -> Any:
    # Written as imports, not looked up by a string: a method's identity follows what its source imports.
    match name:
        case "mobilestylegan":
            from methods.shared.banks import mobilestylegan

            return mobilestylegan
        case _ if name.startswith(_FAMILIES) and (name in NAMES or ":" in name):
            from methods.shared.banks import released

            return released.source(name)
        case _ if name in NAMES or name.endswith(_WEIGHT_FILES):
            from methods.shared.banks import stylegan2_files

            return stylegan2_files.source(name)
    return plugin_bank(name, NAMES)
