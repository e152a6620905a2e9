"""In-domain inversion: an encoder, and an optimisation that it regularises (Zhu et al., ECCV 2020, 2004.00049)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.assets import Asset
from bench.contracts import Batch, Category, Needs, Restored, Size
from bench.errors import AssetError, UsageError
from methods.inversion import Preset, refusal, restore_each
from methods.perceptual import JUDGES, Network

if TYPE_CHECKING:
    import torch
    from torch import Tensor

EMBEDDED = "embedded"
SHIPPED = Path(__file__).parent / "weights" / "idinvert-mobilestylegan.safetensors"


class Idinvert:
    """Encode the LR into the generator's latents, then optimise them inside its domain."""

    name = "idinvert"
    needs = Needs(memory_mb=1500)
    notes = (
        "The published optimisation from the encoder's latents: pixels, a perceptual distance and the encoder's "
        "own view of the result. Changed: the repository has no super-resolution, so the pixel and perceptual "
        "losses compare LR images made by the suite's operator, not an enlarged LR with a full image; the encoder "
        "reads the LR and was trained on the bank's samples, without batch normalisation. preset=fast walks "
        "through read-outs that the whole bank corrects; preset=paper takes the published 100 steps with the "
        "whole bank."
    )

    @dataclass(frozen=True)
    class Options:
        """The preset, the encoder's weights, the bank, and the perceptual network (the paper's is vgg16)."""

        preset: Preset = "fast"
        weights: str = EMBEDDED
        bank: str = "mobilestylegan"
        perceptual: Network = "lite0"
        steps: int = 0
        """0: as the preset has it."""

        def __post_init__(self) -> None:
            if self.steps < 0:
                raise ValueError(f"steps={self.steps} must not be negative")

    def __init__(self, options: Options) -> None:
        self.options = options
        embedded = options.weights == EMBEDDED
        self._path = SHIPPED if embedded else Path(options.weights).expanduser()

    @property
    def title(self) -> str:
        """Say which preset ran."""
        return f"In-domain inversion ({self.options.preset})"

    @property
    def kind(self) -> str | None:
        """Say what its bank shows, as far as that is known before the bank is read."""
        from methods import banks

        return banks.about(self.options.bank).kind

    @property
    def trained_with(self) -> tuple[str, ...]:
        """Name the metrics whose network is part of the loss, or of the encoder's training."""
        from methods.idinvert import weightfile

        trained = weightfile.about(self._path).history.get("trained with", ()) if self._path.is_file() else ()
        return tuple(sorted({*JUDGES[self.options.perceptual], *trained}))

    def assets(self) -> Sequence[Asset | Path]:
        """Return the encoder's weights and the files of the bank and the perceptual network.

        Raises:
            AssetError: when no encoder is shipped.
            UsageError: when there is no such file or bank.
        """
        from methods import banks, perceptual

        if not self._path.is_file():
            if self.options.weights == EMBEDDED:
                raise AssetError(
                    "no encoder of idinvert is shipped",
                    expected=str(SHIPPED.name),
                    remedy="train one with `bench train idinvert --out FOLDER` and name it: "
                    "idinvert[weights=FOLDER/weights.safetensors]",
                )
            raise UsageError(f"no weight file of idinvert at {self._path}", expected=f"`{EMBEDDED}` or a file")
        bank = banks.assets(self.options.bank)
        return (self._path, *bank, *perceptual.assets(self.options.perceptual))

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse what the bank cannot make, and LR images larger than the encoder's."""
        from methods.idinvert.weightfile import SIDE

        if max(lr_size) > SIDE:
            return (
                f"idinvert's encoder reads an LR of at most {SIDE} pixels, this one is {lr_size[1]}x{lr_size[0]}"
            )
        return refusal(self.name, self.options.bank, lr_size, hr_size, category)

    def load(self, device: torch.device) -> None:
        """Read the bank, the encoder and the perceptual network.

        Raises:
            AssetError: when a file cannot be had, is damaged, or is for another bank.
        """
        from methods import banks, perceptual
        from methods.idinvert import weightfile

        self._bank = banks.load(self.options.bank, device)
        self._encoder = weightfile.read(self._path, self._bank).to(device)
        self._perceptual = perceptual.load(self.options.perceptual, 23, squared=True, device=device)

    def restore(self, batch: Batch) -> Restored:
        """Invert each image alone.

        Raises:
            MethodError: when the bank makes images of another size, or no finite loss was seen.
        """
        from methods.idinvert import inverting

        plan = inverting.plan(self.options.preset, self.options.steps)
        scene = inverting.Scene(self._bank, self._encoder, self._perceptual, self.options.perceptual)

        def one(lr: Tensor, _seed: int) -> tuple[Tensor, dict[str, float]]:
            return inverting.run(scene, lr, plan)  # nothing in it is random

        return restore_each(batch, self._bank, one)
