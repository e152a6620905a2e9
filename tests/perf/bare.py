"""Time a method by itself, as a script of anybody's would: `python -m tests.perf.bare METHOD FACTOR LR...`.

Prints the seconds of each image but the first.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from bench.base.device import cores
from bench.base.seeds import image_seed
from bench.base.types import Batch, Category
from bench.images.png import load_png, pixel_digest, to_tensor
from bench.registry.methods import build
from bench.workers import determinism


def main() -> None:
    """Restore each image once."""
    text, factor, *paths = sys.argv[1:]
    determinism.enable(cores())
    method = build(text)
    method.load(torch.device("cpu"))
    for number, path in enumerate(paths):
        pixels = load_png(Path(path))
        lr, seed = to_tensor(pixels), image_seed(0, pixel_digest(pixels))  # a search may end early, by its seed
        begin = time.perf_counter()
        method.restore(Batch(lr, int(factor), (Path(path).stem,), (seed,), Category("faces", "face"), {}))
        if number:
            sys.stdout.write(f"{time.perf_counter() - begin}\n")


if __name__ == "__main__":
    main()
