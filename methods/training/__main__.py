"""`python -m methods.training glean --out DIR`: what `bench train` does, also under `accelerate launch`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from methods.training import train


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(prog="methods.training", description=__doc__)
    parser.add_argument("method")
    parser.add_argument("--bank", default="mobilestylegan")
    parser.add_argument("--factors", default="16,32,64")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--steps", default="", help="latents=100,base=600")
    parser.add_argument("--cpu", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    steps = dict(pair.split("=") for pair in given.steps.split(",") if pair)
    train(
        given.method,
        given.bank,
        tuple(map(int, given.factors.split(","))),
        given.data,
        given.out,
        start=given.start,
        steps={name: int(count) for name, count in steps.items()},
        cpu=given.cpu,
    )


if __name__ == "__main__":
    main()
