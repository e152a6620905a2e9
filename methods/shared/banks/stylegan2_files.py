"""Where a StyleGAN2 bank comes from: a released file by name, or any weight file by path."""

import re
from pathlib import Path
from typing import NamedTuple

import torch

from bench import Address, Asset, fetch
from bench.base.errors import unknown
from methods.shared.banks import metadata, stylegan2, stylegan2_discriminator
from methods.shared.banks.stylegan2 import StyleGAN2
from methods.shared.banks.stylegan2_layers import clamp_activations
from methods.shared.banks.stylegan2_layouts import Weights, convert_state_dict
from methods.shared.state_dicts import load_strict
from methods.shared.state_files import Tensors, building, check_name, read

_FOLDER = "https://download.openmmlab.com/mmgen/stylegan2"
_FROM_BGR = {r"rgbs\.\d+\.(weight|bias)": 0, r"from_rgb\.weight": 1}
"""The dimension of each tensor that counts the colours."""


class Source(NamedTuple):
    """A bank that can be loaded: a released one, or a file of one's own."""

    file: Asset | Path
    kind: str | None = None
    """What it generates."""
    bgr: bool = False
    """Whether its training read images as BGR, so that its images are BGR too."""

    @property
    def ASSETS(self) -> tuple[Asset | Path, ...]:  # noqa: N802 - as a bank's module calls them
        """Return the one file it needs."""
        return (self.file,)

    def load(self, device: str | torch.device = "cpu") -> StyleGAN2:
        """Read the bank, fetching its file when it is not here.

        Raises:
            AssetError: when the file cannot be had, is damaged, or is no StyleGAN2.
        """
        path = fetch(self.file) if isinstance(self.file, Asset) else self.file
        if path.name in _BY_FILE and path.is_file():
            check_name(path)
        tensors = read(path)
        with building(path, "StyleGAN2"):
            return _build(convert_state_dict(tensors, path), path, self.kind, bgr=self.bgr).to(device)


def _released(name: str, path: str, licence: str, *, bgr: bool = False) -> Source:
    address = Address(f"{_FOLDER}/{path}")
    return Source(Asset(f"stylegan2/{Path(path).name}", licence, None, None, (address,)), metadata(name).kind, bgr)


def _official(name: str, file: str) -> Source:
    path = f"official_weights/{name}-config-f-official_{file}.pth"
    return _released(name, path, "Nvidia Source Code License-NC, converted by OpenMMLab")


RELEASED = {
    "stylegan2-ffhq": _official("stylegan2-ffhq", "20210327_171224-bce9310c"),
    "stylegan2-car": _official("stylegan2-car", "20210327_172340-8cfe053c"),
    "stylegan2-cat": _official("stylegan2-cat", "20210327_172444-15bc485b"),
    "stylegan2-church": _official("stylegan2-church", "20210327_172657-1d42b7d1"),
    "stylegan2-horse": _official("stylegan2-horse", "20210327_173203-ef3e69ca"),
    "stylegan2-ffhq-256": _released(
        "stylegan2-ffhq-256",
        "stylegan2_c2_ffhq_256_b4x8_20210407_160709-7890ae1f.pth",
        "Apache-2.0, trained by OpenMMLab on FFHQ, CC BY-NC-SA 4.0",
        bgr=True,
    ),
}
"""The banks that OpenMMLab lists at https://github.com/open-mmlab/mmgeneration, by the names used here."""
_BY_FILE = {Path(str(one.file.name)).name: one for one in RELEASED.values()}


def source(name_or_path: str | Path) -> Source:
    """Return where a bank comes from: a name of `RELEASED`, or the path of a weight file.

    Raises:
        UsageError: when it is no known name and no path.
    """
    text = str(name_or_path)
    if text in RELEASED:
        return RELEASED[text]
    path = Path(text).expanduser()
    if len(path.parts) == 1 and not path.suffix:
        raise unknown("bank", text, RELEASED)
    if path.name in _BY_FILE:
        return _BY_FILE[path.name]._replace(file=path)
    return Source(path)


def _build(weights: Weights, origin: Path, kind: str | None, *, bgr: bool) -> StyleGAN2:
    """Build the bank of a file: every value from it, but for a mean latent that it does not hold."""
    tensors, discriminator = weights.generator, weights.discriminator
    if bgr:
        tensors, discriminator = _as_rgb(tensors), discriminator and _as_rgb(discriminator)
    bank = stylegan2.blank(tensors, kind)
    load_strict(bank, tensors, origin, "StyleGAN2 generator")
    bank.finish(weights.mean_latent)
    if discriminator is not None:
        bank.discriminator = stylegan2_discriminator.blank(discriminator)
        load_strict(bank.discriminator, discriminator, origin, "StyleGAN2 discriminator")
        bank.discriminator.requires_grad_(False).eval()
    if weights.layout == "nvidia":
        clamp_activations(bank)
    return bank


def _as_rgb(tensors: Tensors) -> Tensors:
    swapped = {
        name: tensor.flip(dimension)
        for pattern, dimension in _FROM_BGR.items()
        for name, tensor in tensors.items()
        if re.fullmatch(pattern, name)
    }
    return tensors | swapped
