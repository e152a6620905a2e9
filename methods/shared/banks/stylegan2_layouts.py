"""Published StyleGAN2 weights in any of four key layouts, told apart by their keys and converted to one.

Every key of the network must be one of its layout, and the filter buffers must hold 1-3-3-1: a file that means
another network is refused, never half read.
"""

import re
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from bench import AssetError
from methods.shared.banks.stylegan2_keys import DISCRIMINATOR, DISCRIMINATOR_LAYOUTS, GENERATOR, LAYOUTS
from methods.shared.state_dicts import average_first, select_prefix
from methods.shared.state_files import Tensors

_MOST_LAYERS = 32
_FILTER = re.compile(r"(^|\.)(kernel|resample_filter)$")
_MEAN = re.compile(r"(^|\.)(latent_avg|w_avg)$")


class Weights(NamedTuple):
    """What a file holds, under the names of `methods.shared.banks.stylegan2` and `stylegan2_discriminator`."""

    layout: str
    generator: Tensors
    mean_latent: Tensor | None
    discriminator: Tensors | None


def convert_state_dict(tensors: Tensors, origin: Path) -> Weights:
    """Find the generator in a file, its moving average before any other, and the discriminator if there is one.

    Raises:
        AssetError: when there is no StyleGAN2 generator in any known layout, or a key of it is not known.
    """
    layout, prefix = _find_generator(tensors, origin)
    inside = select_prefix(tensors, prefix)
    names = _generator_names(layout)
    generator = {names[key]: _shaped(names[key], tensor) for key, tensor in inside.items() if key in names}
    _ensure_all_used(inside, set(names), origin)
    means = [tensor for key, tensor in (inside | tensors).items() if _MEAN.search(key)]
    mean = means[0].flatten() if means else None
    return Weights(layout, generator, mean, _discriminator(tensors, layout, origin))


def _find_generator(tensors: Tensors, origin: Path) -> tuple[str, str]:
    markers = dict(zip(LAYOUTS, GENERATOR[0][1:], strict=True))
    candidates = [
        (layout, key.removesuffix(marker))
        for layout, marker in markers.items()
        for key in tensors
        if f".{key}".endswith(f".{marker}")
    ]
    if not candidates:
        raise AssetError(
            f"weight file {origin.name} holds no StyleGAN2 generator",
            got=f"keys like {', '.join(list(tensors)[:3])}",
            expected=f"one of {', '.join(markers.values())}",
            remedy="a state dict in the layout of mmagic, rosinality, BasicSR or stylegan2-ada-pytorch is read",
        )
    return min(candidates, key=lambda one: average_first(one[1]))


def _generator_names(layout: str) -> dict[str, str]:
    column = 1 + LAYOUTS.index(layout)
    names: dict[str, str] = {}
    for number in range(_MOST_LAYERS):
        prefixes = {"conv": _conv(layout, number), "rgb": _rgb(layout, number)}
        fields = prefixes | dict.fromkeys("mkj", str(number)) | {"n": str(number + 1)}
        names |= {row[column].format(**fields): row[0].format(**fields) for row in GENERATOR}
    return names


def _conv(layout: str, number: int) -> str:
    if layout == "nvidia":
        return f"synthesis.b{4 << (number + 1) // 2}.conv{1 - number % 2}"
    stem = "style_conv" if layout == "basicsr" else "conv"
    return f"{stem}1" if number == 0 else f"{stem}s.{number - 1}"


def _rgb(layout: str, number: int) -> str:
    if layout == "nvidia":
        return f"synthesis.b{4 << number}.torgb"
    return "to_rgb1" if number == 0 else f"to_rgbs.{number - 1}"


def _shaped(name: str, tensor: Tensor) -> Tensor:
    """Drop or add dimensions of size 1 in front; a shape that is still wrong is refused when it is loaded."""
    part = name.rsplit(".", 1)[-1]
    flat = ".affine." in name or name.startswith("mapping.")
    rank = {"strength": 0, "bias": 1}.get(part, 2 if flat else 4)
    while tensor.ndim > rank and 1 in tensor.shape:
        tensor = tensor.squeeze(tensor.shape.index(1))
    while tensor.ndim < rank:
        tensor = tensor[None]
    return tensor


def _ensure_all_used(inside: Tensors, names: set[str], origin: Path) -> None:
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    for key in inside.keys() - names:
        if _FILTER.search(key):
            if torch.allclose(inside[key].float() / inside[key].sum(), torch.outer(line, line) / 64, atol=1e-5):
                continue
            raise AssetError(f"weight file {origin.name} has another filter", got=key, expected="1-3-3-1")
        if not _MEAN.search(key):
            raise AssetError(
                f"weight file {origin.name} is no unconditional StyleGAN2",
                got=f"the unknown key {key}",
                remedy="class-conditional and changed architectures are not supported",
            )


def _discriminator(tensors: Tensors, layout: str, origin: Path) -> Tensors | None:
    if layout not in DISCRIMINATOR_LAYOUTS:
        return None
    column = 1 + DISCRIMINATOR_LAYOUTS.index(layout)
    marker = DISCRIMINATOR[-1][column]
    prefixes = [key.removesuffix(marker) for key in tensors if f".{key}".endswith(f".{marker}")]
    if not prefixes:
        return None
    inside = select_prefix(tensors, min(prefixes, key=len))
    blocks = sum(key.endswith(DISCRIMINATOR[6][column].rsplit("}", 1)[1]) for key in inside)
    names = {}
    for row in DISCRIMINATOR:
        for i in range(blocks if "{i}" in row[0] else 1):
            fields = {"i": i, "n": i + 1, "r": (4 << blocks) >> i, "top": 4 << blocks}
            names[row[column].format(**fields)] = row[0].format(**fields)
    _ensure_all_used(inside, set(names), origin)
    return {names[key]: tensor for key, tensor in inside.items() if key in names}
