"""Inputs that the tests of several methods share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bench.base.types import Batch, Category
from bench.registry.methods import create
from tests.conftest import photo

CPU = torch.device("cpu")


def batch(
    factor: int, height: int = 8, width: int = 12, names: tuple[str, ...] = ("a",), category: str = "c"
) -> Batch:
    """Return a batch of random LR images."""
    rng = np.random.default_rng(len(names))
    lr = torch.from_numpy(rng.random((len(names), 3, height, width), dtype=np.float32))
    return Batch(lr, factor, names, tuple(range(len(names))), Category(category, None))


def photo_batch(factor: int, height: int, width: int) -> Batch:
    """Return a batch of one LR image that looks like a photograph."""
    lr = torch.from_numpy(photo(0, height, width)).permute(2, 0, 1)[None].float() / 255
    return Batch(lr, factor, ("a",), (0,), Category("c", None))


def loaded(text: str | Path):
    """Build and load the method of a selection."""
    method = create(str(text)).method
    method.load(CPU)
    return method


def restored(text: str | Path, inputs: Batch) -> torch.Tensor:
    """Restore a batch with the method of a selection."""
    return loaded(text).restore(inputs).sr
