"""Small files in the exact key layouts of four releases, and what each release's network makes of them.

The networks are written straight from the papers and the release's run-time rules (scales, spectral norms and
transposed convolutions are applied as it runs), so they share nothing with the banks that read the files.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F

SLOPE = 0.2


def random(*shape, generator, scale=1.0):
    return scale * torch.randn(*shape, generator=generator)


def unit(x):
    return x / torch.sqrt((x**2).mean(1, keepdim=True) + 1e-8)


def scaled(weight, gain=2**0.5):
    return weight * gain / math.sqrt(weight[0].numel())


# ---------------------------------------------------------------------------------------------- PGGAN


def pggan(channels=(12, 10, 8), width=12, seed=0):
    g = torch.Generator().manual_seed(seed)
    state = {"lod": torch.zeros(())}
    for level, count in enumerate(channels):
        inputs = width if level == 0 else channels[level - 1]
        size = 4 if level == 0 else 3
        state[f"layer{2 * level}.conv.weight"] = random(count, inputs, size, size, generator=g)
        state[f"layer{2 * level + 1}.conv.weight"] = random(count, count, 3, 3, generator=g)
        for index in (2 * level, 2 * level + 1):
            state[f"layer{index}.wscale.bias"] = random(count, generator=g)
        state[f"output{level}.conv.weight"] = random(3, count, 1, 1, generator=g)
        state[f"output{level}.wscale.bias"] = random(3, generator=g)
    return state


def run_pggan(state, z):
    x, levels = z[:, :, None, None], sum(key.startswith("output") for key in state) // 2
    for index in range(2 * levels):
        x = unit(x)
        if index and index % 2 == 0:
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        weight, bias = state[f"layer{index}.conv.weight"], state[f"layer{index}.wscale.bias"]
        scale = math.sqrt(2.0) / math.sqrt(weight[0].numel())
        x = F.conv2d(x, weight, padding=3 if index == 0 else 1) * scale + bias[:, None, None]
        x = F.leaky_relu(x, SLOPE)
    weight, bias = state[f"output{levels - 1}.conv.weight"], state[f"output{levels - 1}.wscale.bias"]
    return F.conv2d(unit(x), weight) / math.sqrt(weight.shape[1]) + bias[:, None, None]


# ---------------------------------------------------------------------------------------------- StyleGAN


def blur(x):
    kernel = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
    return F.conv2d(x, kernel.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


def transposed(x, weight):
    """Double by a transposed convolution; weight (in, out, 3, 3)."""
    w = F.pad(weight, (1, 1, 1, 1))
    w = w[:, :, 1:, 1:] + w[:, :, :-1, 1:] + w[:, :, 1:, :-1] + w[:, :, :-1, :-1]
    return F.conv_transpose2d(x, w, stride=2, padding=1)


def styled(x, w, strength, noise, style, epsilon):
    x = F.leaky_relu(x + strength[:, None, None] * noise, SLOPE)
    x = x - x.mean((2, 3), keepdim=True)
    x = x / torch.sqrt((x**2).mean((2, 3), keepdim=True) + epsilon)
    s = (w @ scaled(style[0], 1.0).T + style[1]).view(len(w), 2, -1, 1, 1)
    return x * (s[:, 0] + 1) + s[:, 1]


def mapped(z, layers):
    w = unit(z)
    for weight, bias in layers:
        w = F.leaky_relu(w @ (0.01 * scaled(weight)).T + 0.01 * bias, SLOPE)
    return w


def pulse(channels=(8, 8, 6, 6, 4, 4), width=8, seed=0):
    """Files `synthesis.pt` and `mapping.pt` of 128 pixels."""
    g = torch.Generator().manual_seed(seed)
    synthesis = {"blocks.4x4.const": random(1, channels[0], 4, 4, generator=g)}
    for level, count in enumerate(channels):
        block = f"blocks.{4 << level}x{4 << level}"
        inputs = channels[max(level - 1, 0)]
        if level == 0:
            synthesis[f"{block}.bias"] = random(count, generator=g)
        convs = {"conv": count} if level == 0 else {"conv0_up": inputs, "conv1": count}
        for conv, wide in convs.items():
            synthesis[f"{block}.{conv}.weight"] = random(count, wide, 3, 3, generator=g)
            synthesis[f"{block}.{conv}.bias"] = random(count, generator=g)
        if level:
            synthesis[f"{block}.conv0_up.intermediate.kernel"] = torch.ones(1, 1, 3, 3)
        for half in (1, 2):
            synthesis[f"{block}.epi{half}.noise.weight"] = random(count, generator=g)
            synthesis[f"{block}.epi{half}.style_mod.lin.weight"] = random(2 * count, width, generator=g)
            synthesis[f"{block}.epi{half}.style_mod.lin.bias"] = random(2 * count, generator=g)
    synthesis["torgb.weight"] = random(3, channels[-1], 1, 1, generator=g)
    synthesis["torgb.bias"] = random(3, generator=g)
    mapping = {}
    for i in range(2):
        mapping[f"dense{i}.weight"] = random(width, width, generator=g, scale=100)
        mapping[f"dense{i}.bias"] = random(width, generator=g, scale=10)
    return synthesis, mapping


def run_pulse(synthesis, w, noise):
    """Run the synthesis with w (N, slots, width) and a noise map a slot."""
    levels = len({key.split(".")[1] for key in synthesis if key.startswith("blocks.")})
    x = None
    for level in range(levels):
        r = 4 << level
        block = f"blocks.{r}x{r}"
        for half in (0, 1):
            slot = 2 * level + half
            if slot == 0:
                x = synthesis["blocks.4x4.const"].repeat(len(w), 1, 1, 1)
                x = x + synthesis["blocks.4x4.bias"][:, None, None]
            else:
                conv = f"{block}." + ("conv" if level == 0 else ("conv0_up", "conv1")[half])
                weight = scaled(synthesis[f"{conv}.weight"])
                if level and half == 0:
                    if r >= 128:
                        x = transposed(x, weight.transpose(0, 1))
                    else:
                        x = F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), weight, padding=1)
                    x = blur(x)
                else:
                    x = F.conv2d(x, weight, padding=1)
                x = x + synthesis[f"{conv}.bias"][:, None, None]
            epilogue = f"{block}.epi{half + 1}"
            style = [synthesis[f"{epilogue}.style_mod.lin.{part}"] for part in ("weight", "bias")]
            x = styled(x, w[:, slot], synthesis[f"{epilogue}.noise.weight"], noise[slot], style, 1e-5)
    return F.conv2d(x, scaled(synthesis["torgb.weight"], 1.0)) + synthesis["torgb.bias"][:, None, None]


def idinvert(channels=(8, 8, 6, 6, 4, 4), width=8, seed=0, *, shared=False):
    """One file of 128 pixels whose mapping ends in a latent a slot, or, as mGANprior's, in one for all."""
    g = torch.Generator().manual_seed(seed)
    slots = 2 * len(channels)
    state = {"synthesis.lod": torch.zeros(()), "synthesis.layer0.const": random(1, channels[0], 4, 4, generator=g)}
    for slot in range(slots):
        level, layer = slot // 2, f"synthesis.layer{slot}"
        count, inputs = channels[level], channels[max(level - 1, 0)] if slot % 2 == 0 else channels[level]
        r = 4 << level
        if slot and slot % 2 == 0 and r >= 128:
            state[f"{layer}.weight"] = random(3, 3, inputs, count, generator=g)
        elif slot:
            state[f"{layer}.conv.weight"] = random(count, inputs, 3, 3, generator=g)
        if slot and slot % 2 == 0:
            state[f"{layer}.blur.kernel"] = torch.ones(count, 1, 3, 3)
        state[f"{layer}.epilogue.bias"] = random(count, generator=g)
        state[f"{layer}.epilogue.apply_noise.weight"] = random(count, generator=g)
        state[f"{layer}.epilogue.apply_noise.noise"] = random(1, 1, r, r, generator=g)
        state[f"{layer}.epilogue.style_mod.dense.fc.weight"] = random(2 * count, width, generator=g)
        state[f"{layer}.epilogue.style_mod.dense.wscale.bias"] = random(2 * count, generator=g)
    for level, count in enumerate(channels):
        state[f"synthesis.output{level}.conv.weight"] = random(3, count, 1, 1, generator=g)
        state[f"synthesis.output{level}.bias"] = random(3, generator=g)
    for i, outputs in enumerate((width, width if shared else slots * width)):
        state[f"mapping.dense{i}.fc.weight"] = random(outputs, width, generator=g, scale=100)
        state[f"mapping.dense{i}.wscale.bias"] = random(outputs, generator=g, scale=10)
    state["truncation.w_avg"] = random(width, generator=g)
    state["truncation.truncation"] = torch.ones(1, slots, 1)
    return state


def run_idinvert(state, w, *, bounded=True):
    slots, x = w.shape[1], state["synthesis.layer0.const"].repeat(len(w), 1, 1, 1)
    for slot in range(slots):
        layer = f"synthesis.layer{slot}"
        if f"{layer}.weight" in state:
            kernel = state[f"{layer}.weight"]
            kernel = kernel * math.sqrt(2.0) / math.sqrt(9 * kernel.shape[2])
            x = blur(transposed(x, kernel.permute(2, 3, 0, 1)))
        elif slot:
            if slot % 2 == 0:
                x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
            x = F.conv2d(x, scaled(state[f"{layer}.conv.weight"]), padding=1)
            x = blur(x) if slot % 2 == 0 else x
        epilogue = f"{layer}.epilogue"
        dense = [state[f"{epilogue}.style_mod.dense.{part}"] for part in ("fc.weight", "wscale.bias")]
        # the bias comes after the noise; both are sums
        x = x + state[f"{epilogue}.bias"][:, None, None]
        noise = state[f"{epilogue}.apply_noise.noise"]
        x = styled(x, w[:, slot], state[f"{epilogue}.apply_noise.weight"], noise, dense, 1e-8)
    last = f"synthesis.output{slots // 2 - 1}"
    image = F.conv2d(x, scaled(state[f"{last}.conv.weight"], 1.0)) + state[f"{last}.bias"][:, None, None]
    return torch.tanh(image) if bounded else image


# ---------------------------------------------------------------------------------------------- BigGAN


def spectral(state, name, shape, g, bias=True):
    state[f"{name}.weight"] = random(*shape, generator=g)
    state[f"{name}.u0"] = random(1, shape[0], generator=g)
    state[f"{name}.sv0"] = torch.ones(1)
    if bias:
        state[f"{name}.bias"] = random(shape[0], generator=g, scale=0.1)


def folded(state, name):
    weight, u = state[f"{name}.weight"], state[f"{name}.u0"]
    matrix = weight.reshape(len(weight), -1)
    v = F.normalize(u @ matrix)
    u = F.normalize(v @ matrix.T)
    return weight / (v @ matrix.T @ u.T).item()


def attended(state, name, channels, g):
    state[f"{name}.gamma"] = torch.tensor(0.7)
    for part, (out, wide) in {
        "theta": (channels // 8, channels),
        "phi": (channels // 8, channels),
        "g": (channels // 2, channels),
        "o": (channels, channels // 2),
    }.items():
        spectral(state, f"{name}.{part}", (out, wide, 1, 1), g, bias=False)


def attend(state, name, x):
    n, c, h, w = x.shape
    theta = F.conv2d(x, folded(state, f"{name}.theta")).reshape(n, c // 8, h * w)
    phi = F.max_pool2d(F.conv2d(x, folded(state, f"{name}.phi")), 2).reshape(n, c // 8, h * w // 4)
    g = F.max_pool2d(F.conv2d(x, folded(state, f"{name}.g")), 2).reshape(n, c // 2, h * w // 4)
    beta = torch.softmax(torch.einsum("ncp,ncq->npq", theta, phi), -1)
    seen = torch.einsum("ncq,npq->ncp", g, beta).reshape(n, c // 2, h, w)
    return x + state[f"{name}.gamma"] * F.conv2d(seen, folded(state, f"{name}.o"))


def biggan(channels=(16, 16, 8), chunk=3, shared=5, classes=7, attention=1, seed=0):
    """The file of a generator of 4 << (blocks) pixels, attention after one block."""
    g = torch.Generator().manual_seed(seed)
    state = {"shared.weight": random(classes, shared, generator=g)}
    spectral(state, "linear", (16 * channels[0], chunk), g)
    for index, (inputs, outputs) in enumerate(pairwise(channels)):
        block = f"blocks.{index}.0"
        spectral(state, f"{block}.conv1", (outputs, inputs, 3, 3), g)
        spectral(state, f"{block}.conv2", (outputs, outputs, 3, 3), g)
        spectral(state, f"{block}.conv_sc", (outputs, inputs, 1, 1), g)
        for norm, count in (("bn1", inputs), ("bn2", outputs)):
            for part in ("gain", "bias"):
                spectral(state, f"{block}.{norm}.{part}", (count, shared + chunk), g, bias=False)
            state[f"{block}.{norm}.stored_mean"] = random(count, generator=g)
            state[f"{block}.{norm}.stored_var"] = torch.rand(count, generator=g) + 0.5
        if index == attention:
            attended(state, f"blocks.{index}.1", outputs, g)
    last = channels[-1]
    state["output_layer.0.gain"], state["output_layer.0.bias"] = (random(last, generator=g) for _ in range(2))
    state["output_layer.0.stored_mean"] = random(last, generator=g)
    state["output_layer.0.stored_var"] = torch.rand(last, generator=g) + 0.5
    spectral(state, "output_layer.2", (3, last, 3, 3), g)
    return state


def run_biggan(state, z, label, chunk=3):
    parts = [z[:, i : i + chunk] for i in range(0, z.shape[1], chunk)]
    y = state["shared.weight"][label]
    x = (parts[0] @ folded(state, "linear").T + state["linear.bias"]).reshape(len(z), -1, 4, 4)

    def norm(x, name, condition):
        gain = 1 + condition @ folded(state, f"{name}.gain").T
        bias = condition @ folded(state, f"{name}.bias").T
        x = F.batch_norm(x, state[f"{name}.stored_mean"], state[f"{name}.stored_var"], eps=1e-5)
        return x * gain[:, :, None, None] + bias[:, :, None, None]

    def conv(x, name, padding=1):
        return F.conv2d(x, folded(state, name), state[f"{name}.bias"], padding=padding)

    for index in range(len(parts) - 1):
        block, condition = f"blocks.{index}.0", torch.cat([y, parts[index + 1]], 1)
        h = F.interpolate(torch.relu(norm(x, f"{block}.bn1", condition)), scale_factor=2)
        h = conv(torch.relu(norm(conv(h, f"{block}.conv1"), f"{block}.bn2", condition)), f"{block}.conv2")
        x = h + conv(F.interpolate(x, scale_factor=2), f"{block}.conv_sc", 0)
        if f"blocks.{index}.1.gamma" in state:
            x = attend(state, f"blocks.{index}.1", x)
    out = [state[f"output_layer.0.{part}"] for part in ("stored_mean", "stored_var", "gain", "bias")]
    return torch.tanh(conv(torch.relu(F.batch_norm(x, *out, eps=1e-5)), "output_layer.2"))


def biggan_judge(channels=(8, 16, 16), classes=7, attention=0, seed=1):
    """The file of a discriminator: the last block keeps its size and its channels."""
    g = torch.Generator().manual_seed(seed)
    state = {}
    for index, (inputs, outputs) in enumerate(zip((3, *channels), channels, strict=False)):
        block = f"blocks.{index}.0"
        spectral(state, f"{block}.conv1", (outputs, inputs, 3, 3), g)
        spectral(state, f"{block}.conv2", (outputs, outputs, 3, 3), g)
        if index < len(channels) - 1 or inputs != outputs:
            spectral(state, f"{block}.conv_sc", (outputs, inputs, 1, 1), g)
        if index == attention:
            attended(state, f"blocks.{index}.1", outputs, g)
    spectral(state, "linear", (1, channels[-1]), g)
    spectral(state, "embed", (classes, channels[-1]), g, bias=False)
    return state


def run_biggan_judge(state, image, blocks=3):
    """Return the logit and the feature after every block and attention, then what the last layer sees."""

    def conv(x, name, padding=1):
        return F.conv2d(x, folded(state, name), state[f"{name}.bias"], padding=padding)

    x, seen = image, []
    for index in range(blocks):
        block = f"blocks.{index}.0"
        h = x if index == 0 else torch.relu(x)
        h = conv(torch.relu(conv(h, f"{block}.conv1")), f"{block}.conv2")
        has_shortcut, halves = f"{block}.conv_sc.weight" in state, index < blocks - 1
        h = F.avg_pool2d(h, 2) if halves else h
        if index == 0:
            x = conv(F.avg_pool2d(x, 2), f"{block}.conv_sc", 0)
        else:
            x = conv(x, f"{block}.conv_sc", 0) if has_shortcut else x
            x = F.avg_pool2d(x, 2) if halves else x
        x = h + x if halves else torch.relu(h + x)  # the authors' last activation works in place
        seen.append(x)
        if f"blocks.{index}.1.gamma" in state:
            x = attend(state, f"blocks.{index}.1", x)
            seen.append(x)
    pooled = x.sum((2, 3))
    return pooled @ folded(state, "linear").T + state["linear.bias"], [*seen, pooled]
