"""RestoreFormer (Wang et al. 2022, arXiv:2201.06374): attention from a degraded face to a dictionary; one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench import Address, Asset
from methods.shared.face_restorer import FaceRestorer

_ADDRESS = "https://github.com/TencentARC/GFPGAN/releases/download/v1.3.4/RestoreFormer.pth"


class RestoreFormer(FaceRestorer):
    """Restore aligned faces with RestoreFormer."""

    name = "restoreformer"
    architecture = "RestoreFormer"
    trained_for = "1x to 8x, blind"
    released: ClassVar = {
        "RestoreFormer": Asset("restoreformer/RestoreFormer.pth", "Apache-2.0", None, None, (Address(_ADDRESS),))
    }

    @dataclass(frozen=True)
    class Options:
        """Which weights: the published name, or the path of a file of the same layout."""

        weights: str = "RestoreFormer"
