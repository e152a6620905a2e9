"""DFDNet's network in both layouts: the authors' `latest_net_G.pth`, and BasicSR's file of the same weights.

Names become the network's, which are BasicSR's but for VGG19. A spectral norm is stored as W, u and v, of which a
convolution's weight is made once: W / (u W v).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch.nn import functional as F

from methods.dfdnet.network import Dfdnet
from methods.shared.state_dicts import load_strict, pop_tensor, strip_prefix
from methods.shared.state_files import Tensors, building, check_name, read


def _vgg_names() -> Iterator[tuple[str, int]]:
    """Yield the names of VGG19's convolutions, with their places among torchvision's layers."""
    place = 0
    for block, count in enumerate((2, 2, 4, 4, 4), 1):
        for number in range(1, count + 1):
            yield f"conv{block}_{number}", place
            place += 2
        place += 1  # the pooling


_BASICSR = {
    r"vgg_extractor\.mean": "vgg_extractor.normalise.mean",
    r"vgg_extractor\.std": "vgg_extractor.normalise.deviation",
    **{rf"vgg_extractor\.vgg_net\.{name}": f"vgg_extractor.layers.{place}" for name, place in _vgg_names()},
}
_AUTHORS = {
    r"le_": "attn_blocks.left_eye_",
    r"re_": "attn_blocks.right_eye_",
    r"no_": "attn_blocks.nose_",
    r"mo_": "attn_blocks.mouth_",
    r"MSDilate\.convi": "multi_scale_dilation.conv_fusion",
    **{rf"MSDilate\.conv{n + 1}": f"multi_scale_dilation.conv_blocks.{n}" for n in range(4)},
    r"up(\d)\.ScaleModel1": r"upsample\1.scale_block",
    r"up(\d)\.ShiftModel1": r"upsample\1.shift_block",
    r"up4\.(\d)\.Model": r"upsample4.\1.body",
    r"up(\d)": r"upsample\1",
    r"VggExtract\.RGB_mean": "vgg_extractor.normalise.mean",
    r"VggExtract\.RGB_std": "vgg_extractor.normalise.deviation",
    r"VggExtract\.model\.features": "vgg_extractor.layers",
}
_LAYOUTS = {"attn_blocks.left_eye_256.0.bias": _BASICSR, "le_256.0.bias": _AUTHORS}
"""What a name begins with, and what with instead, by a name that the layout has."""
_UNUSED = re.compile(r"to_rgb|up\d\.conv1\.0\.|VggExtract\.(features|model\.classifier)\.")
"""In the authors' file: what their test never runs, the constant blur, and VGG19's layers a second time."""


def load_network(path: Path) -> Dfdnet:
    """Read a network of either layout; every tensor has a place, every place a tensor.

    Raises:
        AssetError: when it cannot be read, or does not fit.
    """
    check_name(path)
    tensors = read(path)
    names = [f".{name}" for name in tensors]
    markers = [marker for marker in _LAYOUTS if any(name.endswith(f".{marker}") for name in names)]
    marker = (markers or [*_LAYOUTS])[0]
    tensors = strip_prefix(tensors, marker, path, "DFDNet")
    with building(path, "DFDNet"):
        named = {
            _renamed(name, _LAYOUTS[marker]): tensor for name, tensor in tensors.items() if not _UNUSED.match(name)
        }
        with torch.device("meta"):
            network = Dfdnet()
        load_strict(network, _divided(named, path), path, "DFDNet")
    return network.requires_grad_(False).eval()


def _renamed(name: str, renames: Mapping[str, str]) -> str:
    for beginning, other in renames.items():
        if re.match(beginning, name):
            return re.sub(rf"^{beginning}", other, name)
    return name


def _divided(tensors: Tensors, path: Path) -> Tensors:
    """Return weights for each W, u and v; v is made of the others in a file of an old torch, which lacks it."""
    for name in [name for name in tensors if name.endswith(".weight_orig")]:
        plain = name.removesuffix("_orig")
        weight, u = tensors.pop(name).float(), pop_tensor(tensors, f"{plain}_u", path)
        v = tensors.pop(f"{plain}_v", None)
        rows = weight.flatten(1)
        v = F.normalize(rows.T @ u, dim=0) if v is None else v
        tensors[plain] = weight / (u @ rows @ v)
    return tensors
