r"""Weight files of the published GLEAN: those of `methods.glean.released`, and any other in their layout.

The released 16x faces are to give 26.91 +- 0.02 dB and LPIPS 0.2698 +- 0.002 on CelebA-HQ val100, the authors' own
figures (https://github.com/ckkelvinchan/GLEAN/issues/11), with the file and the 100 images at hand:

    bench run --methods 'glean[weights=PATH/glean_ffhq_16x_20210527-61a3afad.pth]' \
        --category celebahq=PATH --factor 16 --images 0 --metrics psnr,lpips --out runs/published
    bench export runs/published --to published.csv
"""

from pathlib import Path

import torch

from bench import AssetError, fetch
from bench.base.errors import unknown
from methods.glean.published_network import PublishedGLEAN
from methods.glean.released import RELEASED
from methods.shared.banks import stylegan2, stylegan2_layouts
from methods.shared.state_dicts import length, load_strict
from methods.shared.state_files import Tensors, building, check_name, read

_BESIDE = ("discriminator.", "perceptual_loss.", "data_preprocessor.")
"""What a training leaves in the file beside the generator."""


def load(name_or_path: str | Path) -> PublishedGLEAN:
    """Read a released file, fetching it when it is not here, or a file of one's own in the same layout.

    The trainable parts keep their gradients, the bank has none; the network is in evaluation mode, on the CPU.

    Raises:
        UsageError: when it is no path and no released file's name.
        AssetError: when the file cannot be had, is damaged, or is not the published network.
    """
    path = _path(str(name_or_path))
    tensors = read(path)
    with building(path, "published GLEAN"):
        return _build(_generator(tensors, path), path)


def _build(inside: Tensors, path: Path) -> PublishedGLEAN:
    bank_tensors = {key: tensor for key, tensor in inside.items() if key.startswith("generator.")}
    weights = stylegan2_layouts.convert_state_dict(bank_tensors, path)
    tensors = {key: tensor for key, tensor in inside.items() if key not in bank_tensors}
    tensors |= {f"generator.{name}": tensor for name, tensor in weights.generator.items()}
    network = _blank(tensors, weights.generator, path)
    load_strict(network, tensors, path, f"published GLEAN {network.in_size} to {network.out_size}")
    network.generator.finish(weights.mean_latent)
    return network.eval().to(memory_format=torch.channels_last)


def _path(text: str) -> Path:
    path = fetch(RELEASED[text].asset) if text in RELEASED else Path(text).expanduser()
    if not path.is_file() and len(path.parts) == 1:
        raise unknown("GLEAN weight file", text, RELEASED)
    if path.name in RELEASED and path.is_file():
        check_name(path)
    return path


def _generator(tensors: Tensors, path: Path) -> Tensors:
    """Return the restoring network's tensors, all others being what a training leaves beside it."""
    flat = {key.removeprefix("state_dict."): tensor for key, tensor in tensors.items()}
    strange = [key for key in flat if not key.startswith(("generator.", *_BESIDE))]
    if strange or not any(key.startswith("generator.encoder.") for key in flat):
        raise AssetError(
            f"weight file {path.name} ({path.stat().st_size:,} bytes) is no published GLEAN",
            got=f"keys like {', '.join((strange or list(flat))[:3])}",
            expected="generator.encoder..., generator.generator... as in mmagic's files",
            remedy=f"the released ones are {', '.join(RELEASED)}",
        )
    return {key.removeprefix("generator."): tensor for key, tensor in flat.items() if key.startswith("generator.")}


def _blank(tensors: Tensors, bank_tensors: Tensors, path: Path) -> PublishedGLEAN:
    """Build the network of the sizes that the tensors have, on the `meta` device."""
    bank = stylegan2.blank(bank_tensors)
    in_size = bank.resolution >> sum(key.endswith(".upsample_conv.weight") for key in tensors)
    if not 4 < in_size < bank.resolution:
        raise AssetError(
            f"weight file {path.name} is no published GLEAN",
            got=f"a decoder from {in_size} and a bank for {bank.resolution} pixels",
            expected="a bank larger than the input",
        )
    body = "encoder.0.0.body."
    blocks = len({key.removeprefix(body).split(".")[0] for key in tensors if key.startswith(body)})
    channels = length(tensors, "encoder.0.0.conv_first.bias", 64)
    growth = length(tensors, f"{body}0.rdb1.conv1.bias", 32)
    with torch.device("meta"):
        return PublishedGLEAN(in_size, bank, trunk=(channels, blocks, growth))
