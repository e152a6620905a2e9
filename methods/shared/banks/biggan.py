"""BigGAN (Brock et al., ICLR 2019, arXiv:1809.11096) as a latent bank with classes: ajbrock's and DGP's files.

Its z is one vector whose parts go to the first layer and to each block, where a part and the class decide the
gains and shifts of the batch normalisations.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import Latents, NoiseMaps
from methods.shared.banks import biggan_layers
from methods.shared.banks.biggan_layers import EPSILON, Attention, Up, attention, normalised
from methods.shared.banks.unmapped import UnmappedBank
from methods.shared.state_dicts import ensure_consumed, load_strict, pop_tensor, strip_prefix
from methods.shared.state_files import Tensors

MARKER, DISCRIMINATOR_MARKER = "shared.weight", "embed.weight"


class BigGAN(UnmappedBank):
    """The generator. It needs a class label an image.

    Args:
        channels: feature channels per resolution, from 4 to the images' own.
        chunk: the width of a part of z.
        shared: the width of a class embedding.
        classes: how many there are.
        attended: the resolutions after which attention follows.
    """

    name = "biggan"

    def __init__(
        self, channels: dict[int, int], chunk: int, shared: int, classes: int, attended: Sequence[int]
    ) -> None:
        super().__init__(channels, Latents(1, chunk * len(channels)))
        self.chunk, self.classes = chunk, classes
        self.shared = nn.Embedding(classes, shared)
        self.linear = nn.Linear(chunk, 16 * channels[4])
        self.blocks = nn.ModuleList(
            Up(channels[r // 2], count, shared + chunk) for r, count in channels.items() if r > 4
        )
        self.attention = nn.ModuleDict({str(r): Attention(channels[r]) for r in attended})
        self.norm = nn.BatchNorm2d(channels[self.resolution], EPSILON)
        self.to_image = nn.Conv2d(channels[self.resolution], 3, 3, padding=1)

    def block(self, r: int, x: Tensor | None, w: Tensor, noise: NoiseMaps, label: Tensor | None = None) -> Tensor:
        """Run one residual block, and the attention after it, on its part of z and the class."""
        level = list(self.channels).index(r)
        part = torch.split(w.flatten(1), self.chunk, 1)[level]
        if x is None:
            return self.linear(part).view(len(w), -1, 4, 4)
        x = self.blocks[level - 1](x, torch.cat([self.shared(label), part], 1))
        return self.attention[str(r)](x) if str(r) in self.attention else x

    def rgb(self, r: int, x: Tensor, w: Tensor, image: Tensor | None) -> Tensor:
        """Map the last feature to colours."""
        return torch.tanh(self.to_image(F.relu(self.norm(x))))

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters that DGP tunes, as it counts them: first layer, blocks; never the last layer."""
        groups = [list(self.linear.parameters())]
        for index, r in enumerate(list(self.channels)[1:]):
            groups.append(list(self.blocks[index].parameters()))
            groups[-1] += self.attention[str(r)].parameters() if str(r) in self.attention else []
        return groups


def build(tensors: Tensors, origin: Path, discriminator: Tensors | None = None) -> BigGAN:
    """Build the bank of a generator's file, and of its discriminator's when that is given.

    Raises:
        AssetError: when a file is none of these.
    """
    left = strip_prefix(tensors, MARKER, origin, "BigGAN")
    blocks = len({key.split(".")[1] for key in left if key.startswith("blocks.")})
    names = {"shared.weight": pop_tensor(left, "shared.weight", origin)}
    names |= normalised(left, "linear", "linear", origin)
    attended = []
    for index in range(blocks):
        block, ours = f"blocks.{index}.0", f"blocks.{index}"
        for conv in ("conv1", "conv2", "conv_sc"):
            names |= normalised(left, f"{block}.{conv}", f"{ours}.{conv}", origin)
        for norm in ("bn1", "bn2"):
            for part in ("gain", "bias"):
                names |= normalised(left, f"{block}.{norm}.{part}", f"{ours}.{norm}.{part}", origin)
            names[f"{ours}.{norm}.mean"] = pop_tensor(left, f"{block}.{norm}.stored_mean", origin)
            names[f"{ours}.{norm}.variance"] = pop_tensor(left, f"{block}.{norm}.stored_var", origin)
        for key in [key for key in left if key.startswith((f"{block}.in1.", f"{block}.in2."))]:
            del left[key]  # DGP's own, unused unless a search asks for instance normalisation
        if f"blocks.{index}.1.gamma" in left:
            attended.append(8 << index)
            names |= attention(left, f"blocks.{index}.1", f"attention.{8 << index}", origin)
    for ours, theirs in (("weight", "gain"), ("bias", "bias"), ("running_mean", "stored_mean")):
        names[f"norm.{ours}"] = pop_tensor(left, f"output_layer.0.{theirs}", origin)
    names["norm.running_var"] = pop_tensor(left, "output_layer.0.stored_var", origin)
    names["norm.num_batches_tracked"] = torch.zeros(())
    names |= normalised(left, "output_layer.2", "to_image", origin)
    ensure_consumed(left, origin, "BigGAN generator")
    channels = {4: len(names["linear.bias"]) // 16}
    channels |= {8 << index: len(names[f"blocks.{index}.conv1.bias"]) for index in range(blocks)}
    classes, shared = names["shared.weight"].shape
    with torch.device("meta"):
        bank = BigGAN(channels, names["linear.weight"].shape[1], shared, classes, attended)
    load_strict(bank, names, origin, "BigGAN generator")
    bank.finish(torch.zeros(bank.latents.width))
    if discriminator is not None:
        left = strip_prefix(discriminator, DISCRIMINATOR_MARKER, origin, "BigGAN discriminator")
        bank.discriminator = biggan_layers.discriminator(left, origin)
    return bank
