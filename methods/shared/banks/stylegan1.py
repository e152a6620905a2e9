"""StyleGAN (Karras et al., CVPR 2019, arXiv:1812.04948) as a latent bank, from three projects' files.

PULSE's port is a pair of files, `synthesis.pt` and `mapping.pt`; in-domain inversion's is one. mGANprior's has the
same keys: its mapping ends in one latent for all slots, and its image passes no tanh. From 128 pixels up all
double by a transposed convolution, which is the same as repeating pixels and convolving with the kernel turned
around: so it is written here, at every resolution alike.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import AssetError, Bank, Latents, NoiseMaps, Size
from bench.base import seeds
from methods.shared.banks.stylegan2_layers import pixel_norm
from methods.shared.state_dicts import ensure_consumed, equalised, load_strict, pop_tensor
from methods.shared.state_files import Tensors

PULSE_MARKER, IDINVERT_MARKER = "blocks.4x4.const", "synthesis.layer0.const"
TRANSPOSED_FROM = 128
_MAPPING_RATE = 0.01
MOST_LEVELS = 9
"""Resolutions from 4 to 1024."""


class StyleGAN1(Bank):
    """The generator.

    Where every slot has a mapping of its own (in-domain inversion), `map` and `sample` return (N, slots, width).

    Args:
        channels: feature channels per resolution, from 4 to the images' own.
        width: of a latent.
        mapping: inputs and outputs of the mapping's layers.
        epsilon: of the instance normalisation.
        bounded: whether the image passes a tanh.
        kind: what it generates.
    """

    name = "stylegan1"

    def __init__(
        self,
        channels: dict[int, int],
        width: int,
        mapping: Sequence[Sequence[int]],
        *,
        epsilon: float,
        bounded: bool,
        kind: str | None = None,
    ) -> None:
        super().__init__(channels, Latents(2 * len(channels), width), kind)
        self.epsilon, self.bounded = epsilon, bounded
        self.mapping = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in mapping)
        self.constant = nn.Parameter(torch.zeros(1, channels[4], 4, 4))
        self.layers, self.convs = nn.ModuleList(), nn.ModuleList()
        for r, count in channels.items():
            for inputs in (None if r == 4 else channels[r // 2], count):
                self.layers.append(_Epilogue(count, width, r))
                if inputs is not None:
                    self.convs.append(nn.Conv2d(inputs, count, 3, padding=1, bias=False))
        self.to_image = nn.Conv2d(channels[self.resolution], 3, 1)

    def map(self, z: Tensor) -> Tensor:
        """Map Gaussian z (N, 512) to latents w, in the precision of z."""
        w = pixel_norm(z)
        for layer in self._dense():
            w = F.leaky_relu(F.linear(w, layer.weight.to(w.dtype), layer.bias.to(w.dtype)), 0.2)
        return w if w.shape[1] == self.latents.width else w.view(len(w), *self.latents)

    def block(self, r: int, x: Tensor | None, w: Tensor, noise: NoiseMaps, label: Tensor | None = None) -> Tensor:
        """Run the two layers of one resolution; the first one, at 4, has the constant and no convolution."""
        level = list(self.channels).index(r)
        x = self.constant.expand(len(w), -1, -1, -1) if x is None else x
        for slot in (2 * level, 2 * level + 1):
            x = self.layers[slot](self._convolved(x, slot), w[:, slot], noise[slot], self.epsilon)
        return x

    def rgb(self, r: int, x: Tensor, w: Tensor, image: Tensor | None) -> Tensor:
        """Map the last feature to colours."""
        rgb: Tensor = self.to_image(x)
        return torch.tanh(rgb) if self.bounded else rgb

    @property
    def z_width(self) -> int:
        """The inputs of the mapping."""
        return self._dense()[0].in_features

    def _convolved(self, x: Tensor, slot: int) -> Tensor:
        if slot == 0:
            return x
        if slot % 2:
            return self.convs[slot - 1](x)
        x = self.convs[slot - 1](F.interpolate(x, scale_factor=2, mode="nearest"))
        line = x.new_tensor([0.25, 0.5, 0.25])
        kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(x, kernel, padding=1, groups=x.shape[1])

    def _dense(self) -> list[nn.Linear]:
        return [layer for layer in self.mapping if isinstance(layer, nn.Linear)]

    def noise_shapes(self) -> list[Size]:
        """Return the sizes of the noise inputs, coarse to fine, two a resolution."""
        return [(r, r) for r in self.channels for _ in range(2)]

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the synthesis from coarse to fine, one group a resolution."""
        groups: list[list[nn.Parameter]] = [[] for _ in self.channels]
        groups[0].append(self.constant)
        for slot, layer in enumerate(self.layers):
            groups[slot // 2] += layer.parameters()
            groups[slot // 2] += self.convs[slot - 1].parameters() if slot else []
        groups[-1] += self.to_image.parameters()
        return groups


class _Epilogue(nn.Module):
    """Noise, bias, LeakyReLU, instance normalisation, style."""

    noise: Tensor

    def __init__(self, channels: int, width: int, resolution: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.style = nn.Linear(width, 2 * channels)
        self.register_buffer("noise", torch.zeros(1, 1, resolution, resolution))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None, epsilon: float) -> Tensor:
        noise = self.noise if noise is None else noise
        x = F.leaky_relu(x + self.strength[:, None, None] * noise + self.bias[:, None, None], 0.2)
        x = x - x.mean((2, 3), keepdim=True)
        x = x * torch.rsqrt(x.square().mean((2, 3), keepdim=True) + epsilon)
        gain, shift = self.style(w)[:, :, None, None].chunk(2, 1)
        return x * (gain + 1) + shift


def build(tensors: Tensors, origin: Path, kind: str | None = None) -> StyleGAN1:
    """Build the bank of in-domain inversion's or mGANprior's file, or of PULSE's two under their stems.

    PULSE's files hold no noise maps and no mean latent: the maps are drawn here, once and for all, and the mean is
    that of 4,096 samples.

    Raises:
        AssetError: when it is neither.
    """
    left = dict(tensors)
    pulse = f"synthesis.{PULSE_MARKER}" in left
    names = _pulse(left, origin) if pulse else _idinvert(left, origin)
    mean = left.pop("truncation.w_avg", None)
    left.pop("truncation.truncation", None)
    ensure_consumed(left, origin, "StyleGAN1")
    levels = sum(key.endswith(".strength") for key in names) // 2
    channels = {4 << level: len(names[f"layers.{2 * level}.bias"]) for level in range(levels)}
    mapping = [tensor.shape[::-1] for key, tensor in names.items() if re.fullmatch(r"mapping\.\d+\.weight", key)]
    width, epsilon = names["layers.0.style.weight"].shape[1], 1e-5 if pulse else 1e-8
    in_domain = not pulse and mapping[-1:] != [] and mapping[-1][-1] != width
    with torch.device("meta"):
        bank = StyleGAN1(channels, width, mapping, epsilon=epsilon, bounded=in_domain, kind=kind)
    load_strict(bank, names, origin, "StyleGAN1")
    return bank.finish(None if mean is None else mean.flatten()[:width])


def _pulse(left: Tensors, origin: Path) -> Tensors:
    levels = len({key.split(".")[2] for key in left if key.startswith("synthesis.blocks.")})
    if levels > MOST_LEVELS:  # the noise that is drawn for each has the square of its size
        got, expected = f"{levels} resolutions", f"at most {MOST_LEVELS}"
        raise AssetError(f"weight file {origin.name} is no StyleGAN1", got=got, expected=expected)
    names = {"constant": pop_tensor(left, f"synthesis.{PULSE_MARKER}", origin)}
    for level in range(levels):
        r = 4 << level
        block = f"synthesis.blocks.{r}x{r}"
        for half, conv in enumerate(("", "conv") if r == 4 else ("conv0_up", "conv1")):
            slot, layer = 2 * level + half, f"{block}.{conv}" if conv else block
            epilogue = f"{block}.epi{half + 1}"
            names[f"layers.{slot}.bias"] = pop_tensor(left, f"{layer}.bias", origin)
            names[f"layers.{slot}.strength"] = pop_tensor(left, f"{epilogue}.noise.weight", origin)
            style = pop_tensor(left, f"{epilogue}.style_mod.lin.weight", origin)
            names[f"layers.{slot}.style.weight"] = equalised(style, 1.0)
            names[f"layers.{slot}.style.bias"] = pop_tensor(left, f"{epilogue}.style_mod.lin.bias", origin)
            noise = seeds.normal(seeds.Domain.FITTING, slot, (1, 1, r, r))
            names[f"layers.{slot}.noise"] = torch.from_numpy(noise)
            if conv:
                weight = equalised(pop_tensor(left, f"{layer}.weight", origin))
                turned = conv == "conv0_up" and r >= TRANSPOSED_FROM
                names[f"convs.{slot - 1}.weight"] = weight.flip(2, 3) if turned else weight
            left.pop(f"{layer}.intermediate.kernel", None)
    names["to_image.weight"] = equalised(pop_tensor(left, "synthesis.torgb.weight", origin), 1.0)
    names["to_image.bias"] = pop_tensor(left, "synthesis.torgb.bias", origin)
    return names | _dense(left, origin, "{i}.weight", "{i}.bias")


def _idinvert(left: Tensors, origin: Path) -> Tensors:
    slots = sum(key.endswith("epilogue.bias") for key in left)
    names = {"constant": pop_tensor(left, IDINVERT_MARKER, origin)}
    for slot in range(slots):
        layer, ours = f"synthesis.layer{slot}", f"layers.{slot}"
        names[f"{ours}.bias"] = pop_tensor(left, f"{layer}.epilogue.bias", origin)
        names[f"{ours}.strength"] = pop_tensor(left, f"{layer}.epilogue.apply_noise.weight", origin)
        names[f"{ours}.noise"] = pop_tensor(left, f"{layer}.epilogue.apply_noise.noise", origin)
        dense = f"{layer}.epilogue.style_mod.dense"
        names[f"{ours}.style.weight"] = equalised(pop_tensor(left, f"{dense}.fc.weight", origin), 1.0)
        names[f"{ours}.style.bias"] = pop_tensor(left, f"{dense}.wscale.bias", origin)
        left.pop(f"{layer}.blur.kernel", None)
        if slot and f"{layer}.weight" in left:  # a transposed kernel, (k, k, in, out)
            weight = pop_tensor(left, f"{layer}.weight", origin).permute(3, 2, 0, 1).flip(2, 3)
            names[f"convs.{slot - 1}.weight"] = equalised(weight)
        elif slot:
            names[f"convs.{slot - 1}.weight"] = equalised(pop_tensor(left, f"{layer}.conv.weight", origin))
    for level in range(slots // 2):  # the coarser outputs served the growing alone
        weight = pop_tensor(left, f"synthesis.output{level}.conv.weight", origin)
        names["to_image.weight"] = equalised(weight, 1.0)
        names["to_image.bias"] = pop_tensor(left, f"synthesis.output{level}.bias", origin)
    left.pop("synthesis.lod", None)
    return names | _dense(left, origin, "{i}.fc.weight", "{i}.wscale.bias")


def _dense(left: Tensors, origin: Path, weight: str, bias: str) -> Tensors:
    """Take the mapping's layers, whose learning rate is a hundredth in both layouts."""
    names: Tensors = {}
    for i in range(sum(key.startswith("mapping.dense") and key.endswith("bias") for key in left)):
        values = pop_tensor(left, f"mapping.dense{weight.format(i=i)}", origin)
        names[f"mapping.{i}.weight"] = _MAPPING_RATE * equalised(values)
        names[f"mapping.{i}.bias"] = _MAPPING_RATE * pop_tensor(left, f"mapping.dense{bias.format(i=i)}", origin)
    return names
