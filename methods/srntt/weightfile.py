"""The authors' files: `upscale.npz` and `srntt.npz`, lists of arrays without names, and MatConvNet's VGG19.

An `.npz` of TensorLayer holds one array of objects, `params`: a pickle, of which nothing but the making of plain
arrays is allowed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor, nn

from bench import AssetError, BenchError
from bench.base.errors import one_line
from bench.base.pickles import ArraysOnly
from methods.shared.state_dicts import load_strict
from methods.shared.state_files import CHECK, described
from methods.srntt.network import parts

VGG_LAYERS = {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10}
"""The convolutions up to relu3_1, by their place in MatConvNet's list."""


def read_arrays(path: Path) -> list[np.ndarray[Any, Any]]:
    """Read the arrays of a file in their order.

    Raises:
        AssetError: when it is not there, is damaged, or would run anything but the making of arrays.
    """
    with _reading(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if names != ["params.npy"]:
                raise ValueError(f"it holds {', '.join(names[:3])}, not params.npy")
            file = io.BytesIO(archive.read(names[0]))
        version = npy.read_magic(file)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        _, _, kind = header(file)
        if not kind.hasobject:
            raise ValueError(f"its params are one array of {kind}")
        content = ArraysOnly(file, encoding="latin1").load()
        return [np.asarray(array, np.float32) for array in content.ravel()]


def read_vgg(path: Path) -> dict[str, Tensor]:
    """Read VGG19 up to conv3_1, by names such as `conv1_1.weight`.

    Raises:
        AssetError: when it is not MatConvNet's file.
    """
    from scipy.io import loadmat

    tensors = {}
    with _reading(path):
        layers = loadmat(path, variable_names=["layers"])["layers"][0]
        for name, place in VGG_LAYERS.items():
            kernel, bias = layers[place][0, 0]["weights"][0]
            # MatConvNet's axes are (width, height, in, out) in the authors' reading
            tensors[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 1, 0)))
            tensors[f"{name}.bias"] = torch.from_numpy(np.ascontiguousarray(bias.reshape(-1)))
    return tensors


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise AssetError(f"weight file {path} is not there", remedy="check the path")
    try:
        yield
    except BenchError:
        raise
    except Exception as error:  # damaged files raise nearly anything
        what = f"weight file {described(path)} is none of SRNTT's"
        raise AssetError(what, got=one_line(error)[:200], remedy=CHECK) from error


def fill(network: nn.Module, arrays: Sequence[np.ndarray[Any, Any]], path: Path) -> None:
    """Put arrays into a network made on the `meta` device, in the order of its layers.

    Raises:
        AssetError: when there are more or fewer, or one has another shape.
    """
    places = list(parts(network))
    if len(places) != len(arrays):
        what = f"weight file {described(path)} is none of this network"
        raise AssetError(what, got=f"{len(arrays)} arrays", expected=len(places), remedy=CHECK)
    tensors: Mapping[str, Tensor] = {
        name: torch.from_numpy(np.ascontiguousarray(array.transpose(axes) if array.ndim == len(axes) else array))
        for (name, axes), array in zip(places, arrays, strict=True)
    }
    load_strict(network, tensors, path, "network of SRNTT")
