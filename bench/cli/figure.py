"""`bench figure`."""

from pathlib import Path
from typing import Annotated

import typer

import bench
from bench.base.errors import UsageError
from bench.cli.common import MethodsShownOption, QuotedOption, RunsArgument, numbers, open_runs, print_line
from bench.registry.selection import split


def figure(
    runs: RunsArgument = None,
    images: Annotated[
        str | None, typer.Option(help="Images by name, with commas; by default the first two of the category.")
    ] = None,
    methods: MethodsShownOption = None,
    factor: Annotated[str | None, typer.Option(help="Factors, with commas; all by default.")] = None,
    category: Annotated[str | None, typer.Option(help="Category; the first one by default.")] = None,
    crop: Annotated[
        list[str] | None, typer.Option(help="Region to magnify, X,Y,SIDE in HR pixels; repeatable.")
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Metrics to print under the images, with commas.")] = None,
    width: Annotated[float, typer.Option(min=1, max=40, help="Width in inches.")] = 7.0,
    quoted: QuotedOption = None,
    out: Annotated[
        Path, typer.Option(help="File to write: .pdf, .png and .tex are made, whatever suffix it has.")
    ] = Path("figure.pdf"),
) -> None:
    """Draw a grid of images by methods for a paper, as PDF and PNG, and its table in LaTeX."""
    paths = bench.figure(
        open_runs(runs),
        out,
        images=split([images]) if images else None,
        methods=split(methods) if methods else None,
        factors=numbers(factor, "--factor") if factor else None,
        category=category,
        crops=[_crop(text) for text in crop or ()],
        metrics=split([metrics]) if metrics else None,
        width=width,
        quotes=quoted,
    )
    for path in paths:
        print_line(f"figure: {path}")


def _crop(text: str) -> tuple[int, int, int]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise UsageError("--crop", got=repr(text), expected="X,Y,SIDE in HR pixels")
    x, y, side = map(int, parts)
    return x, y, side
