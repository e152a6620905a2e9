"""CodeFormer (Zhou et al. 2022, arXiv:2206.11253): a transformer reads codes of a face dictionary; one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

from bench import Address, Asset, Category, Size, UsageError
from methods.shared.face_restorer import FaceRestorer
from methods.shared.networks.checkpoint import EXTRA, EXTRA_REMEDY

_ADDRESS = "https://github.com/sczhou/CodeFormer/releases/download/v0.1.0/codeformer.pth"
_SHA256 = "1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7"
_LICENCE = "S-Lab License 1.0: no commercial use, of the weights and of the network's code"


class CodeFormer(FaceRestorer):
    """Restore aligned faces with CodeFormer; its network is in the extra `codeformer`."""

    name = "codeformer"
    architecture = "CodeFormer"
    trained_for = "1x to 30x, blind"
    released: ClassVar = {
        "codeformer": Asset("codeformer/codeformer.pth", _LICENCE, 376_637_898, _SHA256, (Address(_ADDRESS),))
    }

    @dataclass(frozen=True)
    class Options:
        """Which weights (the published name or a path), and fidelity: 0 for quality, 1 for likeness to the LR."""

        weights: str = "codeformer"
        fidelity: float = 0.5

        def __post_init__(self) -> None:
            if not 0 <= self.fidelity <= 1:
                raise UsageError("codeformer has no such fidelity", got=self.fidelity, expected="0 to 1")

    @property
    def notes(self) -> str:
        """How the network is fed, and its terms."""
        return f"{super().notes} Weights and network: {_LICENCE}."

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse whatever is no aligned face, and everything without the network's package."""
        if not find_spec(EXTRA):
            return f"codeformer needs the package spandrel-extra-arches; {EXTRA_REMEDY}"
        return super().supports(lr_size, hr_size, factor, category)

    @property
    def network_options(self) -> Mapping[str, float]:
        """Its fidelity, which the network calls weight."""
        return {"weight": self.options.fidelity}
