"""The encoder as published (Zhu et al., ECCV 2020, 2004.00049), from a released file or another in its layout.

It is read in evaluation mode, with batch normalisation folded into the convolutions: what is left is a plain
network. The run-time scales of the release cancel in every block but the last.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import AssetError, Bank, Latents, fetch
from bench.images.degradation import resize_tensor
from methods.idinvert.released import FAMILY, RELEASED
from methods.shared.state_dicts import ensure_consumed, load_strict, pop_tensor
from methods.shared.state_files import Tensors, building, read

MARKER = "block0.conv.weight"
_WHAT = "published encoder of idinvert"
_EPSILON = 1e-5
"""Of the batch normalisation."""


class PublishedEncoder(nn.Module):
    """A convolution, a residual block at every halving down to 4x4, and one full matrix.

    Args:
        channels: of the features, from the side that it reads down to 4; an LR is enlarged to that side with the
            protocol's kernel.
        latents: what it makes.
    """

    def __init__(self, channels: Sequence[int], latents: Latents) -> None:
        super().__init__()
        self.side, self.latents = 2 << len(channels), latents
        self.first = nn.Conv2d(3, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(_Residual(inputs, outputs) for inputs, outputs in pairwise(channels))
        self.dense = nn.Linear(16 * channels[-1], latents.slots * latents.width)

    def forward(self, lr: Tensor) -> Tensor:
        """Return latents (N, slots, width) of LR images (N, 3, h, h) in [-1, 1]."""
        enlarged = lr if lr.shape[-1] == self.side else resize_tensor(lr, self.side, self.side)
        x = _active(self.first(enlarged))
        for block in self.blocks:
            x = block(F.avg_pool2d(x, 2))
        return self.dense(x.flatten(1)).view(len(x), *self.latents)


class _Residual(nn.Module):
    """Two convolutions and what leads past them; both sides are activated, their sum is not."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = min(inputs, outputs)
        self.one = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.two = nn.Conv2d(hidden, outputs, 3, padding=1)
        self.past = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        past = x if self.past is None else _active(self.past(x))
        return past + _active(self.two(_active(self.one(x))))


def _active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def load(name_or_path: str, bank: Bank) -> PublishedEncoder:
    """Read a released file by its name, or one of one's own, for a bank; frozen, on the CPU.

    Raises:
        AssetError: when the file cannot be had, is damaged, is no such encoder, or is for another bank.
    """
    path = fetch(RELEASED[name_or_path].asset) if name_or_path in RELEASED else Path(name_or_path).expanduser()
    tensors = read(path)
    with building(path, _WHAT):
        encoder = _build(tensors, path)
    if (bank.name, bank.latents) != (FAMILY, encoder.latents):
        raise AssetError(
            f"{path} is for another bank",
            got=f"{bank.name} of {bank.latents.slots} latents of {bank.latents.width}",
            expected=f"{FAMILY} of {encoder.latents.slots} latents of {encoder.latents.width}",
            remedy=f"name the generator that it was trained for, as bank={FAMILY}:PATH",
        )
    return encoder.requires_grad_(False).eval()


def _build(left: Tensors, path: Path) -> PublishedEncoder:
    """Build the encoder of a file's tensors, which are taken out of `left` as they are used."""
    last = len({key.partition(".")[0] for key in left if key.startswith("block")}) - 1
    if MARKER not in left or last < 2:
        raise AssetError(
            f"weight file {path.name} ({path.stat().st_size:,} bytes) is no {_WHAT}",
            got=f"keys like {', '.join(list(left)[:3])}",
            expected=f"{MARKER} and the blocks after it",
            remedy=f"the released ones are {', '.join(RELEASED)}",
        )
    for key in [key for key in left if key.endswith(".num_batches_tracked")]:
        del left[key]  # matters to a training alone
    channels = [len(left[MARKER])]
    names = _folded(left, path, "first", "block0.conv", "block0.bn")
    for number in range(1, last):
        ours, theirs = f"blocks.{number - 1}", f"block{number}"
        for part, i in (("one", 1), ("two", 2)):
            bias = f"{theirs}.wscale{i}.bias"
            names |= _folded(left, path, f"{ours}.{part}", f"{theirs}.conv{i}", f"{theirs}.bn{i}", bias=bias)
        channels.append(len(names[f"{ours}.two.bias"]))
        if channels[-2] != channels[-1]:
            names |= _folded(left, path, f"{ours}.past", f"{theirs}.conv", f"{theirs}.bn")
    scale = (16 * channels[-1]) ** -0.5
    names |= _folded(left, path, "dense", f"block{last}.fc", f"block{last}.bn", scale=scale)
    ensure_consumed(left, path, _WHAT)
    slots = 2 * last
    with torch.device("meta"):
        encoder = PublishedEncoder(channels, Latents(slots, len(names["dense.bias"]) // slots))
    load_strict(encoder, names, path, _WHAT)
    return encoder


def _folded(
    left: Tensors, path: Path, ours: str, theirs: str, norm: str, *, bias: str = "", scale: float = 1.0
) -> Tensors:
    """Take a layer and the normalisation after it, and return the one layer that does the same."""
    weight = pop_tensor(left, f"{theirs}.weight", path).float()
    count = len(weight)
    gain = _vector(left, f"{norm}.bn.weight", count, path)
    gain = gain * torch.rsqrt(_vector(left, f"{norm}.bn.running_var", count, path) + _EPSILON)
    shift = _vector(left, bias, count, path) if bias else 0
    shift = (shift - _vector(left, f"{norm}.bn.running_mean", count, path)) * gain
    shift = shift + _vector(left, f"{norm}.bn.bias", count, path)
    along = (gain * scale).float().view(-1, *[1] * (weight.ndim - 1))
    return {f"{ours}.weight": weight * along, f"{ours}.bias": shift.float()}


def _vector(left: Tensors, key: str, count: int, path: Path) -> Tensor:
    """Take a vector, one value a channel, in float64."""
    vector = pop_tensor(left, key, path)
    if vector.shape != (count,):
        got, expected = f"{key} {tuple(vector.shape)}", f"({count},)"
        raise AssetError(
            f"weight file {path.name} is no {_WHAT}", got=got, expected=expected, remedy="get it again"
        )
    return vector.double()
