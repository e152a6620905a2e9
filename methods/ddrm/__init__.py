"""DDRM: an image drawn from a diffusion prior, given its LR (Kawar et al., NeurIPS 2022, arXiv:2201.11793)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Asset, AssetError, Batch, Category, Method, Needs, Restored, Size
from methods.ddrm.published import RELEASED

if TYPE_CHECKING:
    import torch


class Ddrm(Method):
    """Draw an image of a diffusion prior whose LR is the given one."""

    name = "ddrm"
    group = "search"
    needs = Needs(memory_mb=2500)
    notes = (
        "The LR is taken as exact (no noise level), its operator is the suite's own with its exact singular "
        "vectors, and the published step is taken at the last level too, so that the image keeps the components "
        "of the LR: the authors' code takes the prior's there. The prior is one of diffusers, where the authors "
        "used their own files."
    )
    options: Options

    @dataclass(frozen=True)
    class Options:
        """The prior: a released name or a folder of diffusers; the sampler's steps and weights."""

        prior: str = "ddpm-celebahq-256"
        steps: int = 20
        eta: float = 0.85
        etab: float = 1.0

        def __post_init__(self) -> None:
            if not 1 <= self.steps <= 1000:
                raise ValueError(f"steps={self.steps} is not between 1 and 1000")
            if not (0 <= self.eta <= 1 and 0 <= self.etab <= 1):
                raise ValueError(f"eta={self.eta} and etab={self.etab} must lie between 0 and 1")

    @property
    def title(self) -> str:
        """DDRM and its prior."""
        return f"DDRM ({Path(self.options.prior).name})"

    @property
    def kind(self) -> str | None:
        """What the prior's images show, where it is a released one."""
        release = RELEASED.get(self.options.prior)
        return release and release.kind

    @property
    def trained_on(self) -> tuple[str, ...]:
        """What a released prior has seen."""
        release = RELEASED.get(self.options.prior)
        return (release.trained_on,) if release else ()

    def assets(self) -> Sequence[Asset | Path]:
        """Return the files of the prior.

        Raises:
            UsageError: when it is neither a released one nor a folder.
            AssetError: when the folder holds no prior that can be read.
        """
        from methods.ddrm import prior

        return prior.describe(self.options.prior).files

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse images of another size than the prior's."""
        from methods.ddrm import prior

        size = prior.describe(self.options.prior).size
        if hr_size == size:
            return None
        sides = "{1}x{0}".format
        return f"the prior {self.options.prior} makes images of {sides(*size)}, this one is {sides(*hr_size)}"

    def load(self, device: torch.device) -> None:
        """Read the prior.

        Raises:
            AssetError: when its files cannot be had, or do not fit.
        """
        from methods.ddrm import prior, sampling

        super().load(device)
        self._prior = prior.load(prior.describe(self.options.prior), device)
        self.network = self._prior.network
        self._schedule = sampling.levels(self._prior.alphas.tolist(), self.options.steps)
        if self._schedule[0].alpha <= 0:
            what = f"prior {self.options.prior} has no signal left at t={self._schedule[0].t}"
            raise AssetError(what, remedy="take fewer steps, which begin below it")

    def restore(self, batch: Batch) -> Restored:
        """Draw an image for each LR."""
        import torch

        from methods.ddrm import sampling

        draw = partial(
            sampling.sample,
            self._prior.predict,
            schedule=self._schedule,
            weights=sampling.Weights(self.options.eta, self.options.etab),
        )
        images = []
        for lr, seed in zip(torch.split(batch.lr, 1), batch.seeds, strict=True):
            size = (lr.shape[-2] * batch.factor, lr.shape[-1] * batch.factor)
            random = torch.Generator().manual_seed(seed)
            with torch.inference_mode():
                drawn = draw(2 * lr - 1, size, random=random)
            images.append(((drawn + 1) / 2).clamp(0, 1))
        return Restored(torch.cat(images))
