"""The weight files that the authors of GLEAN released, as https://github.com/open-mmlab/mmagic lists them."""

from pathlib import Path
from typing import NamedTuple

from bench import Address, Asset

_FOLDER = "https://download.openmmlab.com/mmediting/restorers/glean"
_LICENCE = "Apache-2.0 (OpenMMLab); over a StyleGAN2 bank, Nvidia Source Code License-NC"


class Release(NamedTuple):
    """A released file and what it restores."""

    asset: Asset
    in_size: int
    out_size: int
    kind: str
    trained_on: tuple[str, ...]


def _release(name: str, in_size: int, out_size: int, kind: str, *trained_on: str) -> Release:
    asset = Asset(f"glean/{name}", _LICENCE, None, None, (Address(f"{_FOLDER}/{name}"),))
    return Release(asset, in_size, out_size, kind, trained_on)


RELEASED = {
    Path(release.asset.name).name: release
    for release in (
        _release("glean_ffhq_16x_20210527-61a3afad.pth", 64, 1024, "faces", "FFHQ"),
        _release("glean_cat_8x_20210614-d3ac8683.pth", 32, 256, "cats", "LSUN cat"),
        _release("glean_cat_16x_20210527-68912543.pth", 16, 256, "cats", "LSUN cat"),
        _release(
            "glean_in128out1024_4x2_300k_ffhq_celebahq_20210812-acbcb04f.pth",
            128,
            1024,
            "faces",
            "FFHQ",
            "CelebA-HQ",
        ),
    )
}
"""By file name."""
