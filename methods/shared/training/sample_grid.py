"""What a training shows while it runs: a grid of validation images and its loss curves."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.base.files import write_atomically
from bench.images.degradation import resize_tensor
from bench.images.png import save_png, to_pixels
from methods.shared.training.samples import Image, Samples, to_signed

SAMPLES = 8
"""How many validation samples the scores are about."""
COLUMNS = 6
"""How many of them a grid has."""


@dataclass(frozen=True)
class SampleGrid:
    """Validation images, and their scores."""

    rows: Sequence[Tensor]
    """Images in [-1, 1], (N, 3, H, W), a row each."""
    scores: dict[str, float] = field(default_factory=dict)


class Validation(NamedTuple):
    """The validation samples restored from one LR size: images (N, 3, h, h) in [-1, 1], and the w as in `Item`."""

    lr: Tensor
    bicubic: Tensor
    restored: Tensor
    hr: Tensor
    latents: Tensor

    @property
    def psnr(self) -> float:
        """Mean of the images' PSNR, in dB."""
        return _psnr(self.restored, self.hr)

    @property
    def gain(self) -> float:
        """What it gains on bicubic, in dB."""
        return self.psnr - _psnr(self.bicubic, self.hr)


def validate(
    samples: Samples,
    sides: Iterable[int],
    size: int,
    restore: Callable[[Tensor], Tensor],
    score: Callable[[Validation], dict[str, float]],
) -> SampleGrid:
    """Restore validation samples from LR images of every size.

    Args:
        samples: the first of them are restored.
        sides: the LR sizes, in the order of the grid's rows.
        size: of the images that are compared.
        restore: makes images (N, 3, size, size) of LR images in [-1, 1].
        score: rates the images restored from one LR size.

    Returns:
        Two rows an LR size, bicubic's and the restored one, and HR; the scores by name and LR side.
    """
    device = samples.bank.mean_latent.device
    items = [samples[index] for index in range(SAMPLES)]
    hr = F.adaptive_avg_pool2d(_stacked([item.hr for item in items]).to(device), size)
    latents = torch.from_numpy(np.stack([item.latent for item in items if item.latent is not None])).to(device)
    rows: list[Tensor] = []
    scores: dict[str, float] = {}
    for side in sides:
        lr = _stacked([item.lr[side] for item in items]).to(device)
        bicubic = resize_tensor(lr, size, size).clamp(-1, 1)
        images = Validation(lr, bicubic, restore(lr).clamp(-1, 1), hr, latents)
        rows += [bicubic[:COLUMNS], images.restored[:COLUMNS]]
        scores |= {f"{name} {side}": value for name, value in score(images).items()}
    return SampleGrid([*rows, hr[:COLUMNS]], scores)


def _stacked(images: Sequence[Image]) -> Tensor:
    return torch.stack([to_signed(image) for image in images])


def _psnr(image: Tensor, truth: Tensor) -> float:
    return -10 * float(((image - truth) / 2).square().mean((1, 2, 3)).log10().mean())


def write_grid(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of images in [-1, 1] as one PNG."""
    lines = [torch.cat(list(row.float().cpu()), 2) for row in rows]
    save_png(to_pixels((torch.cat(lines, 1) + 1) / 2), path)


def write_curves(curve: Sequence[Mapping[str, Any]], stem: Path) -> None:
    """Write the curves as lines of JSON and as a picture."""
    write_atomically(stem.with_suffix(".jsonl"), ("\n".join(map(json.dumps, curve)) + "\n").encode())
    names = sorted({name for point in curve for name in point} - {"step", "images", "stage"})
    if names:
        _plot(curve, names, stem.with_suffix(".png"))


def _plot(curve: Sequence[Mapping[str, Any]], names: list[str], path: Path) -> None:
    from matplotlib.figure import Figure

    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(4 * columns, 2.6 * lines), layout="constrained")
    for place, name in enumerate(names, 1):
        axes = figure.add_subplot(lines, columns, place)
        points = [(point["step"], point[name]) for point in curve if name in point]
        axes.plot(*zip(*points, strict=True), linewidth=1)
        axes.set_title(name, fontsize=9)
    figure.savefig(path, dpi=80)
