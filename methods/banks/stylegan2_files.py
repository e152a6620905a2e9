"""Where a StyleGAN2 bank comes from: a released file by name, or any weight file by path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import torch

from bench.assets import Address, Asset, fetch
from bench.errors import unknown
from methods.banks import stylegan2, stylegan2_discriminator
from methods.banks.state_files import check_name, fit, read
from methods.banks.stylegan2 import StyleGAN2
from methods.banks.stylegan2_layouts import Weights, bring

_FOLDER = "https://download.openmmlab.com/mmgen/stylegan2"
_OF_RGB = r"rgbs\.\d+\.(weight|bias)"
_OFFICIAL = "Nvidia Source Code License-NC, converted by OpenMMLab"
_MEAN_SAMPLES = 4096


class Release(NamedTuple):
    """A published bank: its file and what it generates."""

    asset: Asset
    kind: str
    bgr: bool = False
    """Its training read images as BGR, and so are its images."""


def _official(file: str, kind: str) -> Release:
    name = f"stylegan2-{file}.pth"
    address = Address(f"{_FOLDER}/official_weights/{name}")
    return Release(Asset(f"stylegan2/{name}", _OFFICIAL, None, None, (address,)), kind)


_FFHQ_256 = "stylegan2_c2_ffhq_256_b4x8_20210407_160709-7890ae1f.pth"
RELEASED = {
    "stylegan2-ffhq": _official("ffhq-config-f-official_20210327_171224-bce9310c", "faces"),
    "stylegan2-car": _official("car-config-f-official_20210327_172340-8cfe053c", "cars"),
    "stylegan2-cat": _official("cat-config-f-official_20210327_172444-15bc485b", "cats"),
    "stylegan2-church": _official("church-config-f-official_20210327_172657-1d42b7d1", "churches"),
    "stylegan2-horse": _official("horse-config-f-official_20210327_173203-ef3e69ca", "horses"),
    "stylegan2-ffhq-256": Release(
        Asset(
            f"stylegan2/{_FFHQ_256}",
            "Apache-2.0, trained by OpenMMLab on FFHQ, CC BY-NC-SA 4.0",
            None,
            None,
            (Address(f"{_FOLDER}/{_FFHQ_256}"),),
        ),
        "faces",
        bgr=True,
    ),
}


class Source(NamedTuple):
    """A bank that can be loaded: a released one, or a file of one's own."""

    file: Asset | Path
    kind: str | None
    bgr: bool

    @property
    def assets(self) -> tuple[Asset | Path, ...]:
        """Return the one file it needs."""
        return (self.file,)

    def load(self, device: str | torch.device = "cpu") -> StyleGAN2:
        """Read the bank, fetching its file when it is not here.

        Raises:
            AssetError: when the file cannot be had, is damaged, or is no StyleGAN2.
        """
        path = self.file
        if isinstance(path, Asset):
            path = fetch(path)
            check_name(path)
        return _build(bring(read(path), path), path, self.kind, bgr=self.bgr).to(device)


def source(name_or_path: str | Path) -> Source:
    """Return where a bank comes from: a name of `RELEASED`, or the path of a weight file.

    Raises:
        UsageError: when it is no known name and no path.
    """
    text = str(name_or_path)
    if text in RELEASED:
        return Source(*RELEASED[text])
    path = Path(text).expanduser()
    if len(path.parts) == 1 and not path.suffix:
        raise unknown("bank", text, RELEASED)
    for release in RELEASED.values():
        if path.name == Path(release.asset.name).name:
            return Source(path, release.kind, release.bgr)
    return Source(path, None, bgr=False)


def _build(weights: Weights, origin: Path, kind: str | None, *, bgr: bool) -> StyleGAN2:
    """Build the bank of a file: every value from it, but for a mean latent that it does not hold."""
    tensors, judge = weights.generator, weights.discriminator
    if bgr:
        rgb = {name: tensor.flip(0) for name, tensor in tensors.items() if re.fullmatch(_OF_RGB, name)}
        tensors = tensors | rgb
        judge = judge and judge | {"from_rgb.weight": judge["from_rgb.weight"].flip(1)}
    bank = stylegan2.blank(tensors, kind)
    fit(bank, tensors, origin, "StyleGAN2 generator")
    bank.finish(weights.mean_latent)
    if judge is not None:
        bank.discriminator = stylegan2_discriminator.blank(judge)
        fit(bank.discriminator, judge, origin, "StyleGAN2 discriminator")
        bank.discriminator.requires_grad_(False).eval()
    return bank
