"""What a training shows while it runs: a grid of validation images and its loss curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench.protocol import save_png, to_pixels, write_atomically


def write_grid(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of images in [-1, 1] as one PNG."""
    lines = [torch.cat(list(row.float().cpu()), 2) for row in rows]
    save_png(to_pixels((torch.cat(lines, 1) + 1) / 2), path)


def write_curves(curve: Sequence[tuple[int, str, dict[str, float]]], stem: Path) -> None:
    """Write the curves as lines of JSON and as a picture."""
    lines = [json.dumps({"step": step, "stage": stage, **values}) for step, stage, values in curve]
    write_atomically(stem.with_suffix(".jsonl"), ("\n".join(lines) + "\n").encode())
    names = sorted({name for _, _, values in curve for name in values})
    if names:
        _plot(curve, names, stem.with_suffix(".png"))


def _plot(curve: Sequence[tuple[int, str, dict[str, float]]], names: list[str], path: Path) -> None:
    from matplotlib.figure import Figure

    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(4 * columns, 2.6 * lines), layout="constrained")
    for place, name in enumerate(names, 1):
        axes = figure.add_subplot(lines, columns, place)
        points = [(step, values[name]) for step, _, values in curve if name in values]
        axes.plot(*zip(*points, strict=True), linewidth=1)
        axes.set_title(name, fontsize=9)
    figure.savefig(path, dpi=80)
