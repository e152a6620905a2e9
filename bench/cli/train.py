"""`bench train`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from bench.base.errors import UsageError
from bench.cli.common import numbers
from bench.registry.selection import split


def train(
    method: Annotated[str, typer.Argument(help="A method that can be trained, such as glean.")],
    out: Annotated[Path, typer.Option(help="The folder of state, sheets and weights; the same one continues.")],
    bank: Annotated[str, typer.Option(help="The latent bank, by name or path.")] = "mobilestylegan",
    factors: Annotated[str, typer.Option(help="What it shall serve, with commas.")] = "16,32,64",
    data: Annotated[
        Path | None, typer.Option(help="A folder of your own images, beside the bank's samples.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Weights to start from, with a fresh optimiser.")] = None,
    steps: Annotated[list[str], typer.Option(help="The steps of single stages: latents=100,base=600.")] = [],
    rate: Annotated[float, typer.Option(help="What the learning rates are multiplied with.")] = 1.0,
    device: Annotated[str, typer.Option(help="auto or cpu.")] = "auto",
) -> None:
    """Train a method, or go on with a training that was interrupted."""
    from methods.shared.training import train as train_method

    if device not in ("auto", "cpu"):
        raise UsageError("--device", got=device, expected="auto or cpu")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    chosen = dict(_stage(item) for item in split(steps))
    served = tuple(numbers(factors, "--factors"))
    train_method(method, bank, served, data, out, start=start, steps=chosen, rate=rate, cpu=device == "cpu")


def _stage(item: str) -> tuple[str, int]:
    name, _, count = item.partition("=")
    if not count.isdecimal():
        raise UsageError("--steps", got=item, expected="STAGE=COUNT, with commas")
    return name, int(count)
