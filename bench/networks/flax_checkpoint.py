"""Reads the checkpoints of Flax that are pickled trees of NumPy arrays, and lets them call nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.base.errors import AssetError
from bench.base.pickles import ArraysOnly


def read_tree(path: Path) -> dict[str, Any]:
    """Return the tree of arrays, a dictionary a level.

    Raises:
        AssetError: when the file is no pickle of arrays alone.
    """
    try:
        with path.open("rb") as file:
            tree = ArraysOnly(file).load()
    except Exception as error:
        raise AssetError(f"{path} is no pickle of arrays alone", got=str(error) or type(error).__name__) from error
    return dict(tree)


def read_convolutions(path: Path, layers: Sequence[int]) -> dict[str, Tensor]:
    """Return the convolutions of a classifier's checkpoint by torchvision's names.

    Args:
        path: the file: a network of convolutions `Conv_0`, `Conv_1` and so on, kernels (h, w, in, out), and heads
            beside it, which are passed over.
        layers: the numbers of the convolutions among torchvision's `features`.

    Raises:
        AssetError: when it is another file.
    """
    tree = read_tree(path)
    try:
        (network,) = (tree[name] for name in tree if not name.startswith("NetLinLayer"))
        convolutions = {layer: network[f"Conv_{place}"] for place, layer in enumerate(layers)}
        return {
            f"features.{layer}.{name}": value
            for layer, values in convolutions.items()
            for name, value in (
                ("weight", torch.from_numpy(np.array(values["kernel"])).permute(3, 2, 0, 1).contiguous()),
                ("bias", torch.from_numpy(np.array(values["bias"]))),
            )
        }
    except (KeyError, TypeError, ValueError) as error:
        raise AssetError(f"{path} has not the {len(layers)} convolutions expected", got=str(error)) from error
