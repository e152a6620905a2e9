"""SinGAN: a pyramid of small GANs trained on the LR image alone (Shaham et al., ICCV 2019, arXiv:1905.01164)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.assets import Asset
from bench.contracts import Batch, Category, Needs, Restored, Size
from methods.inversion import Preset

if TYPE_CHECKING:
    import torch

SMALLEST = 12
"""The critic looks at 11 x 11 pixels at a time; an LR of 12 still shows it four places."""


class Singan:
    """Train small GANs on the LR alone, and let the finest one sharpen it step by step."""

    name = "singan"
    needs = Needs(memory_mb=1300)
    notes = (
        "The published super-resolution mode: a pyramid of ratio 2^(1/3), and the finest generator run again "
        "after every enlargement by that ratio, 12 times at 16x, 18 at 64x. Changed: the coarsest side is 18 as "
        "published where the LR is larger than 22 pixels, else 12, so that an LR of 16 pixels has two scales and "
        "not one; images stay in float between the steps, clipped, are resized by the suite's kernel, and after "
        "every step are moved so that they shrink to the image before it; every generator step makes its image "
        "anew. preset=fast trains 200 iterations a scale at an LR of 64 pixels and 800 at one of 16 instead of "
        "2,000, with 32 channels at every scale."
    )

    @dataclass(frozen=True)
    class Options:
        """The preset, and other iterations a scale than its own where `steps` is not 0."""

        preset: Preset = "fast"
        steps: int = 0

        def __post_init__(self) -> None:
            if self.steps < 0:
                raise ValueError(f"steps={self.steps} must not be negative")

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def title(self) -> str:
        """Say which preset ran."""
        return f"SinGAN ({self.options.preset})"

    def assets(self) -> Sequence[Asset | Path]:
        """Need nothing: all that it knows is the LR."""
        return ()

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse LR images that its critic is too large for."""
        if min(lr_size) < SMALLEST:
            return f"singan needs an LR of {SMALLEST} pixels, this one is {lr_size[1]}x{lr_size[0]}"
        return None

    def load(self, device: torch.device) -> None:
        """Remember where to train."""
        self._device = device

    def restore(self, batch: Batch) -> Restored:
        """Train on each image and enlarge it."""
        import torch

        from methods.singan import pyramid, scaling

        plan = pyramid.plan(self.options.preset, self.options.steps)
        images, values = [], []
        for lr, seed in zip(torch.split(batch.lr, 1), batch.seeds, strict=True):
            with torch.enable_grad():
                fitted = pyramid.fit(2 * lr - 1, seed, plan)
            images.append(scaling.enlarge(fitted.levels[-1].generator, 2 * lr - 1, batch.factor))
            values.append(fitted.values())
        return Restored(torch.cat(images), values)
