"""An independent StyleGAN2: BasicSR's, which `spandrel` carries, and its weights written as other code bases would.

Its fused activation is a CUDA extension; the formula stands in for it.
"""

import importlib
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

ARCH = "spandrel.architectures.GFPGAN.__arch"


def activation(x, bias, negative_slope=0.2, scale=2**0.5):
    return F.leaky_relu(x + bias.reshape(1, -1, *[1] * (x.ndim - 2)), negative_slope) * scale


def arch():
    """Return the peer's module, its CUDA activation replaced."""
    patch = pytest.MonkeyPatch()
    fused = importlib.import_module(f"{ARCH}.fused_act")
    module = importlib.import_module(f"{ARCH}.stylegan2_arch")
    patch.setattr(fused, "fused_leaky_relu", activation)
    patch.setattr(module, "fused_leaky_relu", activation)
    return module


def generator(size=32, channels=32, width=24, layers=3, seed=0):
    """Return a generator whose every value is random, biases and noise strengths too."""
    torch.manual_seed(seed)
    network = arch().StyleGAN2Generator(size, num_style_feat=width, num_mlp=layers, narrow=channels / 512)
    return randomised(network)


def randomised(network):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return network.eval().requires_grad_(False)


class Discriminator(nn.Module):
    """The discriminator of the same code base, put together from its blocks; the keys are rosinality's."""

    def __init__(self, size=32, channels=16):
        super().__init__()
        parts = arch()
        blocks = [parts.ResBlock(channels, channels) for _ in range(int(math.log2(size)) - 2)]
        self.convs = nn.Sequential(parts.ConvLayer(3, channels, 1), *blocks)
        self.final_conv = parts.ConvLayer(channels + 1, channels, 3)
        self.final_linear = nn.Sequential(
            parts.EqualLinear(channels * 16, channels, activation="fused_lrelu"), parts.EqualLinear(channels, 1)
        )

    def forward(self, images):
        x = self.convs(images)
        n, c, h, w = x.shape
        deviation = x.view(min(n, 4), -1, 1, c, h, w).var(0, unbiased=False).add(1e-8).sqrt()
        deviation = deviation.mean([2, 3, 4], keepdims=True).squeeze(2).repeat(min(n, 4), 1, h, w)
        return self.final_linear(self.final_conv(torch.cat([x, deviation], 1)).flatten(1))


LINE = torch.tensor([1.0, 3.0, 3.0, 1.0])
SMOOTH = torch.outer(LINE, LINE) / 64


def rosinality(state):
    """Rename BasicSR's keys to rosinality's, filter buffers included."""
    out = {}
    for key, tensor in state.items():
        name = (
            key.replace("style_mlp.", "style.").replace("style_conv1.", "conv1.").replace("style_convs.", "convs.")
        )
        name = name.replace("constant_input.weight", "input.input").replace("noises.noise", "noises.noise_")
        if (
            name.startswith("conv")
            and name.endswith(".weight")
            and name.count(".") == (1 if "conv1" in name else 2)
        ):
            name = name.removesuffix("weight") + "noise.weight"
        out[name.replace("modulated_conv", "conv")] = tensor
    for key in list(out):
        head, _, tail = key.partition(".conv.weight")
        number = head.rsplit(".", 1)[-1]
        if not tail and key.endswith(".conv.weight") and number.isdigit():
            if head.startswith("to_rgbs"):
                out[f"{head}.upsample.kernel"] = SMOOTH * 4
            elif int(number) % 2 == 0:
                out[f"{head}.conv.blur.kernel"] = SMOOTH * 4
    return out


def mmagic(state):
    """Rename rosinality's keys to mmagic's, by the table that both projects' sources give."""
    out = {}
    for key, tensor in rosinality(state).items():
        if key.startswith("style."):
            name = "style_mapping." + key.removeprefix("style.")
            name = name.replace(".weight", ".linear.weight_orig")
        elif key.startswith("noises."):
            name = key.replace("noises.noise_", "injected_noise_")
        else:
            name = key.replace("input.input", "constant_input.input").replace(
                "noise.weight", "noise_injector.weight"
            )
            name = name.replace("conv.modulation.weight", "conv.style_modulation.linear.weight_orig")
            name = name.replace("conv.modulation.bias", "conv.style_modulation.bias")
            name = name.replace("conv.weight", "conv.weight_orig")
        out[name] = tensor
    return out


def nvidia(state):
    """Write BasicSR's tensors as stylegan2-ada-pytorch keeps them: by resolution, without dimensions of size 1."""
    levels = 1 + sum(key.startswith("to_rgbs") and key.endswith("modulated_conv.weight") for key in state)
    out = {"synthesis.b4.const": state["constant_input.weight"][0]}
    for key, tensor in state.items():
        if key.startswith("style_mlp."):
            number, part = key.split(".")[1:]
            out[f"mapping.fc{int(number) - 1}.{part}"] = tensor
    for level in range(levels):
        block = f"synthesis.b{4 * 2**level}"
        out[f"{block}.resample_filter"] = SMOOTH
        convs = [("conv1", "style_conv1", 0)]
        if level:
            first = 2 * level - 2
            convs = [
                ("conv0", f"style_convs.{first}", first + 1),
                ("conv1", f"style_convs.{first + 1}", first + 2),
            ]
        for ours, theirs, noise in convs:
            out[f"{block}.{ours}.weight"] = state[f"{theirs}.modulated_conv.weight"][0]
            out[f"{block}.{ours}.affine.weight"] = state[f"{theirs}.modulated_conv.modulation.weight"]
            out[f"{block}.{ours}.affine.bias"] = state[f"{theirs}.modulated_conv.modulation.bias"]
            out[f"{block}.{ours}.bias"] = state[f"{theirs}.activate.bias"]
            out[f"{block}.{ours}.noise_strength"] = state[f"{theirs}.weight"][0]
            out[f"{block}.{ours}.noise_const"] = state[f"noises.noise{noise}"][0, 0]
            out[f"{block}.{ours}.resample_filter"] = SMOOTH
        rgb = "to_rgb1" if level == 0 else f"to_rgbs.{level - 1}"
        out[f"{block}.torgb.weight"] = state[f"{rgb}.modulated_conv.weight"][0]
        out[f"{block}.torgb.affine.weight"] = state[f"{rgb}.modulated_conv.modulation.weight"]
        out[f"{block}.torgb.affine.bias"] = state[f"{rgb}.modulated_conv.modulation.bias"]
        out[f"{block}.torgb.bias"] = state[f"{rgb}.bias"][0, :, 0, 0]
    return out


def mmagic_discriminator(state):
    """Rename rosinality's keys of the discriminator to mmagic's, filter buffers included."""
    out = {}
    for key, tensor in state.items():
        part = "linear" if key.startswith("final_linear") else "conv"
        out[key.replace("weight", f"{part}.weight_orig")] = tensor
    for number in range(1, 1 + sum(".skip." in key for key in state)):
        out |= {f"convs.{number}.conv2.0.kernel": SMOOTH, f"convs.{number}.skip.0.kernel": SMOOTH}
    return out


def nvidia_discriminator(state):
    """Write rosinality's discriminator as stylegan2-ada-pytorch keeps it."""
    blocks = sum(".skip." in key for key in state)
    top = 4 * 2**blocks
    out = {f"b{top}.fromrgb.weight": state["convs.0.0.weight"], f"b{top}.fromrgb.bias": state["convs.0.1.bias"]}
    for number in range(1, blocks + 1):
        block, source = f"b{2 * top // 2**number}", f"convs.{number}"
        out |= {
            f"{block}.resample_filter": SMOOTH,
            f"{block}.conv0.weight": state[f"{source}.conv1.0.weight"],
            f"{block}.conv0.bias": state[f"{source}.conv1.1.bias"],
            f"{block}.conv1.weight": state[f"{source}.conv2.1.weight"],
            f"{block}.conv1.bias": state[f"{source}.conv2.2.bias"],
            f"{block}.conv1.resample_filter": SMOOTH,
            f"{block}.skip.weight": state[f"{source}.skip.1.weight"],
        }
    out |= {"b4.conv.weight": state["final_conv.0.weight"], "b4.conv.bias": state["final_conv.1.bias"]}
    out |= {f"b4.fc.{part}": state[f"final_linear.0.{part}"] for part in ("weight", "bias")}
    return out | {f"b4.out.{part}": state[f"final_linear.1.{part}"] for part in ("weight", "bias")}
