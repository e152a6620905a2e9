"""The layers of BigGAN and its discriminator, spectral norms folded in."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.shared.state_dicts import ensure_consumed, load_strict, pop_tensor
from methods.shared.state_files import Tensors

EPSILON = 1e-5
"""Of the batch normalisations, as ajbrock's and DGP's settings have it."""


class ConditionalNorm(nn.Module):
    """Batch normalisation by stored statistics, gain and shift decided by a condition."""

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.gain = nn.Linear(condition, channels, bias=False)
        self.bias = nn.Linear(condition, channels, bias=False)
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        x = (x - self.mean[:, None, None]) * torch.rsqrt(self.variance + EPSILON)[:, None, None]
        return x * (1 + self.gain(condition))[:, :, None, None] + self.bias(condition)[:, :, None, None]


class Up(nn.Module):
    """A residual block that doubles the sides."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.bn1, self.bn2 = ConditionalNorm(inputs, condition), ConditionalNorm(outputs, condition)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_sc = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = F.interpolate(F.relu(self.bn1(x, condition)), scale_factor=2, mode="nearest")
        h = self.conv2(F.relu(self.bn2(self.conv1(h), condition)))
        return h + self.conv_sc(F.interpolate(x, scale_factor=2, mode="nearest"))


class Down(nn.Module):
    """A residual block of the discriminator.

    Args:
        inputs: channels in.
        outputs: channels out.
        first: the image's own block has no activation before it, and shrinks before its shortcut.
        halves: whether it halves the sides; the one that does not is the last, and its result is activated: the
            authors' last activation works in place, so theirs is too when DGP compares it.
        shortcut: whether its shortcut has a convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, first: bool, halves: bool, shortcut: bool) -> None:
        super().__init__()
        self.first, self.halves = first, halves
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_sc = nn.Conv2d(inputs, outputs, 1) if shortcut else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        h = F.avg_pool2d(h, 2) if self.halves else h
        # a 1x1 convolution and an average commute, so one order serves both kinds of block
        x = F.avg_pool2d(x, 2) if self.halves else x
        out: Tensor = h + (x if self.conv_sc is None else self.conv_sc(x))
        return out if self.halves else F.relu(out)


class Attention(nn.Module):
    """Attention over the positions of a feature (Zhang et al., SAGAN)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.phi = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.g = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.o = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        queries = self.theta(x).flatten(2)
        keys, values = (F.max_pool2d(part(x), 2).flatten(2) for part in (self.phi, self.g))
        share = F.softmax(queries.transpose(1, 2) @ keys, -1)
        attended = (values @ share.transpose(1, 2)).view(len(x), -1, *x.shape[2:])
        return x + self.gamma * self.o(attended)


class Discriminator(nn.Module):
    """Scores how real each image looks by one logit, whatever its class.

    Args:
        blocks: residual blocks and attentions, in order.
        channels: of the last one.
    """

    def __init__(self, blocks: list[nn.Module], channels: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.linear = nn.Linear(channels, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map RGB in [-1, 1], (N, 3, R, R), to logits (N, 1)."""
        x = images
        for block in self.blocks:
            x = block(x)
        return self.linear(x.sum((2, 3)))


def discriminator(left: Tensors, origin: Path) -> Discriminator:
    """Build the discriminator of a file; its class embedding is not used.

    Raises:
        AssetError: when it is no such file.
    """
    for key in [key for key in left if key.startswith("embed.")]:
        del left[key]
    count = len({key.split(".")[1] for key in left if key.startswith("blocks.")})
    names: Tensors = normalised(left, "linear", "linear", origin)
    blocks: list[nn.Module] = []
    for index in range(count):
        ours, block = f"blocks.{len(blocks)}", f"blocks.{index}.0"
        shortcut = f"{block}.conv_sc.weight" in left
        for conv in ("conv1", "conv2", "conv_sc") if shortcut else ("conv1", "conv2"):
            names |= normalised(left, f"{block}.{conv}", f"{ours}.{conv}", origin)
        outputs, inputs = names[f"{ours}.conv1.weight"].shape[:2]
        halves = index < count - 1  # the last block alone keeps its 4x4
        with torch.device("meta"):
            blocks.append(Down(inputs, outputs, first=index == 0, halves=halves, shortcut=shortcut))
        if f"blocks.{index}.1.gamma" in left:
            names |= attention(left, f"blocks.{index}.1", f"blocks.{len(blocks)}", origin)
            with torch.device("meta"):
                blocks.append(Attention(outputs))
    ensure_consumed(left, origin, "BigGAN discriminator")
    with torch.device("meta"):
        network = Discriminator(blocks, names["linear.weight"].shape[1])
    load_strict(network, names, origin, "BigGAN discriminator")
    return network.requires_grad_(False).eval()


def normalised(left: Tensors, theirs: str, ours: str, origin: Path) -> Tensors:
    """Take a layer, its weight divided by the spectral norm that one power iteration from u0 finds.

    A layer saved without u0 was not normalised.
    """
    weight = pop_tensor(left, f"{theirs}.weight", origin).float()
    left.pop(f"{theirs}.sv0", None)
    if (u := left.pop(f"{theirs}.u0", None)) is not None:
        matrix = weight.flatten(1)
        v = F.normalize(u.float() @ matrix, eps=1e-12)
        u = F.normalize(v @ matrix.T, eps=1e-12)
        weight = weight / (v @ matrix.T @ u.T).squeeze()
    bias = left.pop(f"{theirs}.bias", None)
    return {f"{ours}.weight": weight} | ({} if bias is None else {f"{ours}.bias": bias})


def attention(left: Tensors, theirs: str, ours: str, origin: Path) -> Tensors:
    """Take an attention."""
    names = {f"{ours}.gamma": pop_tensor(left, f"{theirs}.gamma", origin).reshape(())}
    for part in ("theta", "phi", "g", "o"):
        names |= normalised(left, f"{theirs}.{part}", f"{ours}.{part}", origin)
    return names
