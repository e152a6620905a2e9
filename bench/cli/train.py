"""`bench train`."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from bench.base.errors import UsageError
from bench.cli.common import numbers
from bench.registry.selection import split


def train(
    method: Annotated[str, typer.Argument(help="A method that can be trained, such as glean.")],
    out: Annotated[
        Path, typer.Option(help="Folder for state, sample images and weights; an existing one is continued.")
    ],
    bank: Annotated[str, typer.Option(help="Latent bank, by name or path.")] = "mobilestylegan",
    factors: Annotated[str, typer.Option(help="Factors to train for, with commas.")] = "16,32,64",
    data: Annotated[
        Path | None, typer.Option(help="Folder of your own images, used beside the bank's samples.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Weights to start from, with a fresh optimiser.")] = None,
    steps: Annotated[list[str], typer.Option(help="Steps of single stages: latents=100,base=600.")] = [],
    rate: Annotated[float, typer.Option(help="Multiplies every learning rate.")] = 1.0,
    batch: Annotated[int, typer.Option(min=1, help="Multiplies the images of every step.")] = 1,
    device: Annotated[str, typer.Option(help="auto or cpu.")] = "auto",
) -> None:
    """Train a method, or continue a training that was interrupted."""
    from methods.shared.training import train as train_method

    if device not in ("auto", "cpu"):
        raise UsageError("--device", got=device, expected="auto or cpu")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    stage_steps = dict(_stage(item) for item in split(steps))
    trained = tuple(numbers(factors, "--factors"))
    cpu = device == "cpu"
    train_method(method, bank, trained, data, out, start=start, steps=stage_steps, rate=rate, batch=batch, cpu=cpu)


def _stage(item: str) -> tuple[str, int]:
    name, _, count = item.partition("=")
    if not count.isdecimal():
        raise UsageError("--steps", got=item, expected="STAGE=COUNT, with commas")
    return name, int(count)
