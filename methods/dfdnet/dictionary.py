"""DFDNet's dictionary: features of parts of faces, in BasicSR's one file or the authors' 16 arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench import AssetError
from bench.base.errors import one_line
from bench.base.pickles import ArraysOnly
from methods.dfdnet.network import WIDTHS
from methods.dfdnet.parts import ARRAYS, key
from methods.shared.state_files import CHECK, Tensors, check_name, described, read, some

_SIDES = {"left_eye": 80, "right_eye": 80, "nose": 50, "mouth": 110}
"""Of the parts that it was made of, in pixels."""
_SHAPES = {
    key(part, stride): (width, _SIDES[part] // stride, _SIDES[part] // stride)
    for stride, width in WIDTHS.items()
    for part in _SIDES
}
"""Of an atom (C, s, s), by the name of its part and stride."""


def load(files: Sequence[Path]) -> Tensors:
    """Read the atoms (K, C, s, s), as many as the files hold, by the name of their part and stride.

    Args:
        files: BasicSR's one, or the authors' 16, in the order of ARRAYS.

    Raises:
        AssetError: when one cannot be read, would run anything, or is of another dictionary.
    """
    if len(files) > 1:
        return {name: _shaped(name, _read_array(path), path) for name, path in zip(ARRAYS, files, strict=True)}
    (path,) = files
    check_name(path)
    tensors = {"_".join(reversed(name.split("."))): tensor for name, tensor in read(path).items()}
    if tensors.keys() != _SHAPES.keys():
        what, expected = f"dictionary {described(path)} has other parts", some([*_SHAPES])
        raise AssetError(what, got=some(sorted(tensors)), expected=expected, remedy=CHECK)
    return {name: _shaped(name, tensor, path) for name, tensor in tensors.items()}


def _read_array(path: Path) -> Tensor:
    """Read an array, or the pickle of one."""
    if not path.is_file():
        raise AssetError(f"dictionary {path.parent} lacks {path.name}", remedy="copy the authors' whole folder")
    try:
        try:
            array = np.load(path, allow_pickle=False)
        except ValueError:  # it is a pickle
            with path.open("rb") as file:
                array = ArraysOnly(file, encoding="latin1").load()
        return torch.from_numpy(np.asarray(array, np.float32))
    except Exception as error:  # damaged files raise nearly anything
        what = f"dictionary file {described(path)} cannot be read"
        raise AssetError(what, got=one_line(error)[:200], remedy=CHECK) from error


def _shaped(name: str, atoms: Tensor, path: Path) -> Tensor:
    """Return atoms in their shape; an array of the authors may hold each one as a line."""
    shape = _SHAPES[name]
    if not atoms.numel() or atoms[0].numel() != math.prod(shape) or not atoms.isfinite().all():
        what = f"dictionary {described(path)} holds no atoms of {name}"
        raise AssetError(what, got=tuple(atoms.shape), expected=f"finite ones of {shape}", remedy=CHECK)
    return atoms.reshape(-1, *shape).float()
