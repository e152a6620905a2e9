"""BigGAN (Brock et al., ICLR 2019, arXiv:1809.11096) as a latent bank with classes: ajbrock's and DGP's files.

Its z is one vector whose parts go to the first layer and to each block, where a part and the class decide the
gains and shifts of the batch normalisations.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import FeatureHook, Latents, MethodError, Size, Synthesis
from bench.base import seeds
from methods.shared.banks.biggan_layers import EPSILON, Attention, Up, attention, normalised
from methods.shared.banks.biggan_layers import discriminator as judge_of
from methods.shared.banks.converted import below, check_range, draw, fused, nothing_left, take
from methods.shared.banks.state_files import Tensors, content_digest, fit

MARKER, JUDGE_MARKER = "shared.weight", "embed.weight"


class BigGAN(nn.Module):
    """The generator behind the contract of `bench.base.Bank`. It needs a class label an image.

    Args:
        channels: feature channels per resolution, from 4 to the images' own.
        chunk: the width of a part of z.
        shared: the width of a class embedding.
        classes: how many there are.
        attended: the resolutions after which attention follows.
    """

    name = "biggan"
    kind: str | None = None
    digest: str = ""
    mean_latent: Tensor

    def __init__(
        self, channels: dict[int, int], chunk: int, shared: int, classes: int, attended: Sequence[int]
    ) -> None:
        super().__init__()
        self.channels, self.resolution = dict(channels), max(channels)
        self.chunk, self.classes = chunk, classes
        self.discriminator: nn.Module | None = None
        self.latents = Latents(1, chunk * len(channels))
        self.shared = nn.Embedding(classes, shared)
        self.linear = nn.Linear(chunk, 16 * channels[4])
        self.blocks = nn.ModuleList(
            Up(channels[r // 2], count, shared + chunk) for r, count in channels.items() if r > 4
        )
        self.attention = nn.ModuleDict({str(r): Attention(channels[r]) for r in attended})
        self.norm = nn.BatchNorm2d(channels[self.resolution], EPSILON)
        self.to_image = nn.Conv2d(channels[self.resolution], 3, 3, padding=1)
        self.register_buffer("mean_latent", torch.zeros(self.latents.width), persistent=False)

    def map(self, z: Tensor) -> Tensor:
        """Return z itself."""
        return z

    def sample(self, indices: Sequence[int], domain: seeds.Domain, truncation: float = 1.0) -> Tensor:
        """Draw z (N, width), one an index, shortened by `truncation`."""
        return (truncation * draw(indices, domain, self.latents.width)).to(self.mean_latent)

    def synthesise(
        self,
        latents: Tensor,
        *,
        noise: Sequence[Tensor] | None = None,
        feature_hook: FeatureHook | None = None,
        start: tuple[int, Tensor] | None = None,
        stop_at: int | None = None,
        label: Tensor | None = None,
    ) -> Synthesis:
        """Generate features and the image; see `bench.base.Bank.synthesise`. There is no noise.

        Raises:
            MethodError: when there is no label or no such class, or `start` or `stop_at` is no resolution of it.
        """
        check_range(self.name, list(self.channels), start, stop_at)
        if label is None:
            raise MethodError(
                "bank biggan needs a class", got="no label", expected=f"one of {self.classes} an image"
            )
        parts = torch.split(latents.flatten(1), self.chunk, 1)
        chosen = torch.as_tensor(label, device=latents.device).reshape(-1)
        if wrong := [number for number in chosen.tolist() if not 0 <= number < self.classes]:
            raise MethodError("bank biggan has no such class", got=wrong[0], expected=f"0 to {self.classes - 1}")
        embedded = self.shared(chosen)
        if start is None:
            x = fused(feature_hook, 4, self.linear(parts[0]).view(len(latents), -1, 4, 4))
            features = {4: x}
        else:
            x, features = start[1], {start[0]: start[1]}
        for index, r in enumerate(list(self.channels)[1:]):
            if (start is not None and r <= start[0]) or (stop_at is not None and r > stop_at):
                continue
            x = self.blocks[index](x, torch.cat([embedded, parts[index + 1]], 1))
            x = self.attention[str(r)](x) if str(r) in self.attention else x
            features[r] = x = fused(feature_hook, r, x)
        whole = stop_at in (None, self.resolution)
        return Synthesis(features, torch.tanh(self.to_image(F.relu(self.norm(x)))).float() if whole else None)

    def noise_shapes(self) -> list[Size]:
        """Return nothing: it has no noise inputs."""
        return []

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters from coarse to fine, as DGP counts them: first layer, blocks, last layer."""
        groups = [list(self.linear.parameters())]
        for index, r in enumerate(list(self.channels)[1:]):
            groups.append(list(self.blocks[index].parameters()))
            groups[-1] += self.attention[str(r)].parameters() if str(r) in self.attention else []
        return [*groups, [*self.norm.parameters(), *self.to_image.parameters()]]


def build(tensors: Tensors, origin: Path, judge: Tensors | None = None) -> BigGAN:
    """Build the bank of a generator's file, and of its discriminator's when that is given.

    Raises:
        AssetError: when a file is none of these.
    """
    left = below(tensors, MARKER, origin, "BigGAN")
    blocks = len({key.split(".")[1] for key in left if key.startswith("blocks.")})
    names = {"shared.weight": take(left, "shared.weight", origin)}
    names |= normalised(left, "linear", "linear", origin)
    attended = []
    for index in range(blocks):
        block, ours = f"blocks.{index}.0", f"blocks.{index}"
        for conv in ("conv1", "conv2", "conv_sc"):
            names |= normalised(left, f"{block}.{conv}", f"{ours}.{conv}", origin)
        for norm in ("bn1", "bn2"):
            for part in ("gain", "bias"):
                names |= normalised(left, f"{block}.{norm}.{part}", f"{ours}.{norm}.{part}", origin)
            names[f"{ours}.{norm}.mean"] = take(left, f"{block}.{norm}.stored_mean", origin)
            names[f"{ours}.{norm}.variance"] = take(left, f"{block}.{norm}.stored_var", origin)
        for key in [key for key in left if key.startswith((f"{block}.in1.", f"{block}.in2."))]:
            del left[key]  # DGP's own, unused unless a search asks for instance normalisation
        if f"blocks.{index}.1.gamma" in left:
            attended.append(8 << index)
            names |= attention(left, f"blocks.{index}.1", f"attention.{8 << index}", origin)
    for ours, theirs in (("weight", "gain"), ("bias", "bias"), ("running_mean", "stored_mean")):
        names[f"norm.{ours}"] = take(left, f"output_layer.0.{theirs}", origin)
    names["norm.running_var"] = take(left, "output_layer.0.stored_var", origin)
    names["norm.num_batches_tracked"] = torch.zeros(())
    names |= normalised(left, "output_layer.2", "to_image", origin)
    nothing_left(left, origin, "BigGAN generator")
    channels = {4: len(names["linear.bias"]) // 16}
    channels |= {8 << index: len(names[f"blocks.{index}.conv1.bias"]) for index in range(blocks)}
    classes, shared = names["shared.weight"].shape
    with torch.device("meta"):
        bank = BigGAN(channels, names["linear.weight"].shape[1], shared, classes, attended)
    bank.mean_latent = torch.zeros(bank.latents.width)
    fit(bank, names, origin, "BigGAN generator")
    bank.requires_grad_(False).eval()
    bank.digest = content_digest(bank.state_dict())
    if judge is not None:
        bank.discriminator = judge_of(below(judge, JUDGE_MARKER, origin, "BigGAN discriminator"), origin)
    return bank
