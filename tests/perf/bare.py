"""Time a method by itself, as a script of anybody's would: `python -m tests.perf.bare METHOD FACTOR LR...`.

Prints the seconds of each image but the first.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from bench.base.device import cores
from bench.base.types import Batch, Category
from bench.images.png import load_png, to_tensor
from bench.registry.methods import build
from bench.workers import determinism


def main() -> None:
    """Restore each image once."""
    text, factor, *paths = sys.argv[1:]
    determinism.enable(cores())
    method = build(text)
    method.load(torch.device("cpu"))
    for number, path in enumerate(paths):
        lr = to_tensor(load_png(Path(path)))
        begin = time.perf_counter()
        method.restore(Batch(lr, int(factor), (Path(path).stem,), (0,), Category("faces", "face"), {}))
        if number:
            sys.stdout.write(f"{time.perf_counter() - begin}\n")


if __name__ == "__main__":
    main()
