"""What four code bases call the tensors of StyleGAN2: ours first, then mmagic, rosinality, BasicSR and NVIDIA.

mmagic's names are also mmgen's and mmediting's; NVIDIA's are those of stylegan2-ada-pytorch. BasicSR keeps its
discriminators in files of their own, so they have no column.
"""

LAYOUTS = ("mmagic", "rosinality", "basicsr", "nvidia")
"""The columns of `GENERATOR`."""
DISCRIMINATOR_LAYOUTS = ("mmagic", "rosinality", "nvidia")
"""The columns of `DISCRIMINATOR`."""

_MODULATED = (
    ("weight", "conv.weight_orig", "conv.weight", "modulated_conv.weight", "weight"),
    (
        "affine.weight",
        "conv.style_modulation.linear.weight_orig",
        "conv.modulation.weight",
        "modulated_conv.modulation.weight",
        "affine.weight",
    ),
    (
        "affine.bias",
        "conv.style_modulation.bias",
        "conv.modulation.bias",
        "modulated_conv.modulation.bias",
        "affine.bias",
    ),
)
"""What belongs to a layer that a style modulates, after the layer's own prefix."""


def _modulated(ours: str, theirs: str) -> list[tuple[str, ...]]:
    return [(f"{ours}.{row[0]}", *(f"{theirs}.{name}" for name in row[1:])) for row in _MODULATED]


# {m} a mapping layer from 0, {n} from 1; {k} a convolution; {conv} and {rgb} the prefixes of its layer
GENERATOR: tuple[tuple[str, ...], ...] = (
    ("constant", "constant_input.input", "input.input", "constant_input.weight", "synthesis.b4.const"),
    (
        "mapping.{m}.weight",
        "style_mapping.{n}.linear.weight_orig",
        "style.{n}.weight",
        "style_mlp.{n}.weight",
        "mapping.fc{m}.weight",
    ),
    ("mapping.{m}.bias", "style_mapping.{n}.bias", "style.{n}.bias", "style_mlp.{n}.bias", "mapping.fc{m}.bias"),
    *_modulated("convs.{k}", "{conv}"),
    (
        "convs.{k}.strength",
        "{conv}.noise_injector.weight",
        "{conv}.noise.weight",
        "{conv}.weight",
        "{conv}.noise_strength",
    ),
    ("convs.{k}.bias", *["{conv}.activate.bias"] * 3, "{conv}.bias"),
    ("convs.{k}.noise", "injected_noise_{k}", "noises.noise_{k}", "noises.noise{k}", "{conv}.noise_const"),
    *_modulated("rgbs.{j}", "{rgb}"),
    ("rgbs.{j}.bias", *["{rgb}.bias"] * 4),
)

# {i} a block from 0, fine to coarse, {n} from 1; {r} its resolution, {top} the image's
DISCRIMINATOR = (
    ("from_rgb.weight", "convs.0.0.conv.weight_orig", "convs.0.0.weight", "b{top}.fromrgb.weight"),
    ("from_rgb.bias", "convs.0.1.bias", "convs.0.1.bias", "b{top}.fromrgb.bias"),
    (
        "blocks.{i}.conv1.weight",
        "convs.{n}.conv1.0.conv.weight_orig",
        "convs.{n}.conv1.0.weight",
        "b{r}.conv0.weight",
    ),
    ("blocks.{i}.conv1.bias", "convs.{n}.conv1.1.bias", "convs.{n}.conv1.1.bias", "b{r}.conv0.bias"),
    (
        "blocks.{i}.conv2.weight",
        "convs.{n}.conv2.1.conv.weight_orig",
        "convs.{n}.conv2.1.weight",
        "b{r}.conv1.weight",
    ),
    ("blocks.{i}.conv2.bias", "convs.{n}.conv2.2.bias", "convs.{n}.conv2.2.bias", "b{r}.conv1.bias"),
    ("blocks.{i}.skip.weight", "convs.{n}.skip.1.conv.weight_orig", "convs.{n}.skip.1.weight", "b{r}.skip.weight"),
    ("last.weight", "final_conv.0.conv.weight_orig", "final_conv.0.weight", "b4.conv.weight"),
    ("last.bias", "final_conv.1.bias", "final_conv.1.bias", "b4.conv.bias"),
    ("dense.weight", "final_linear.0.linear.weight_orig", "final_linear.0.weight", "b4.fc.weight"),
    ("dense.bias", "final_linear.0.bias", "final_linear.0.bias", "b4.fc.bias"),
    ("out.weight", "final_linear.1.linear.weight_orig", "final_linear.1.weight", "b4.out.weight"),
    ("out.bias", "final_linear.1.bias", "final_linear.1.bias", "b4.out.bias"),
)
