"""GFPGAN (Wang et al. 2021, arXiv:2101.04061): a U-Net whose features steer a StyleGAN2 of faces; one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench import Address, Asset
from methods.shared.face_restorer import FaceRestorer

_FOLDER = "https://github.com/TencentARC/GFPGAN/releases/download/v1.3.0"
_LICENCE = "Apache-2.0 with third-party notices; over a StyleGAN2 bank, Nvidia Source Code License-NC"
_SIZE = 348_632_874


def _released(name: str, sha256: str) -> Asset:
    return Asset(f"gfpgan/{name}.pth", _LICENCE, _SIZE, sha256, (Address(f"{_FOLDER}/{name}.pth"),))


class Gfpgan(FaceRestorer):
    """Restore aligned faces with GFPGAN, 1.4 unless other weights are named."""

    name = "gfpgan"
    architecture = "GFPGAN"
    trained_for = "1x to 8x, blind"
    released: ClassVar = {
        "GFPGANv1.3": _released("GFPGANv1.3", "c953a88f2727c85c3d9ae72e2bd4846bbaf59fe6972ad94130e23e7017524a70"),
        "GFPGANv1.4": _released("GFPGANv1.4", "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad"),
    }

    @dataclass(frozen=True)
    class Options:
        """Which weights: a published name, or the path of a file of the clean layout."""

        weights: str = "GFPGANv1.4"

    @property
    def notes(self) -> str:
        """How the network is fed, and where its noise comes from."""
        return f"{super().notes} The noise of its StyleGAN2 follows the image's seed."
