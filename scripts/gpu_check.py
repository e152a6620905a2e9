"""What methods and metrics do on this machine's GPU, beside its processor: two tables in Markdown.

    python -m scripts.gpu_check [--seconds 240] [--methods NAME,NAME] [--metrics NAME,NAME]

`scripts/gpu_check.sh` says which files this needs. A method or metric whose files are not here has a row that says
so, and so has one that fails; what would begin after the seconds is left out, and says so.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from bench.assets.declare import Asset
from bench.assets.fetch import is_here
from bench.base import device as devices
from bench.base.errors import Unavailable, one_line
from bench.base.metric import ImageMetric
from bench.base.types import Batch, Category, Pixels
from bench.categories.category import find_category
from bench.images.degradation import make_lr
from bench.images.png import to_pixels, to_tensor
from bench.registry import METRICS
from bench.registry.methods import build
from bench.workers import determinism

METHODS = "bicubic,glean,esrgan+,esrgan,idinvert,pulse,dgp,mganprior"
SCORED = "psnr,ssim,ms_ssim,haarpsi,lite0,lite2,lpips"
FACTORS = (16, 32, 64)
_RESTORED = ("method", "factor", "s", "MB", "beside the CPU's image", "LR-PSNR in dB")
_SCORED = ("metric", "s", "value", "s on the CPU", "value on the CPU")
PASSES = 9
"""How often a single pass and a comparison are timed; a search is timed once."""
CPU = torch.device("cpu")
T = TypeVar("T")
Rows = Iterator[Sequence[str]]


def method_rows(text: str, device: torch.device, face: Pixels, end: float) -> Rows:
    """Yield a row a factor: times, memory, distance from the image of the CPU, and consistency with the LR."""
    method, beside = build(text), build(text)
    _refuse_missing(method.assets())
    method.load(device)
    is_search = method.group == "search"
    if not is_search:
        beside.load(CPU)
    for factor in FACTORS:
        if time.monotonic() > end:
            yield f"{factor}", "left out: the time is up"
            continue
        restore = partial(method.restore, _batch(face, factor, device))
        times, restored = _timed(restore, device, warm=not is_search)
        sr, memory = to_pixels(restored.sr[0]), devices.memory(device)["peak_memory_mb"]
        lr_psnr = METRICS.create("lr_psnr").compare(sr, make_lr(face, factor), factor)
        other = "" if is_search else _distance(sr, to_pixels(beside.restore(_batch(face, factor, CPU)).sr[0]))
        yield f"{factor}", times, f"{memory:.0f}", other, f"{lr_psnr:.1f}"


def metric_rows(name: str, device: torch.device, face: Pixels, _end: float) -> Rows:
    """Yield one row: how long describing HR and comparing take, and the value, on the device and on the CPU."""
    sr, cells = np.roll(face, 3, axis=1), []
    for where in (device, CPU):
        metric = METRICS.create(name)
        _refuse_missing(metric.assets())
        metric.load(where)
        times, value = _timed(partial(_compared, metric, sr, face), where)
        cells += [times, f"{value:.6g}"]
    yield cells


def _compared(metric: ImageMetric, sr: Pixels, hr: Pixels) -> float:
    return metric.compare(sr, metric.features(hr), 16)


def _batch(face: Pixels, factor: int, device: torch.device) -> Batch:
    lr = to_tensor(make_lr(face, factor), device)
    return Batch(lr, factor, ("0000",), (0,), Category("faces", "faces"), {}, ((),))


def _timed(call: Callable[[], T], device: torch.device, *, warm: bool = True) -> tuple[str, T]:
    """Return the median and the range of the seconds, and the last result."""
    if warm:
        call()  # the first pass of a size chooses its algorithms
    seconds = []
    for _ in range(PASSES if warm else 1):
        result, timed = devices.timed(call, device, 1)
        seconds.append(timed.seconds)
    middle = f"{statistics.median(seconds):.3g}"
    return f"{middle} ({min(seconds):.3g} to {max(seconds):.3g}, n {PASSES})" if warm else middle, result


def _distance(one: Pixels, other: Pixels) -> str:
    off = np.abs(one.astype(int) - other)
    return f"{off.max()} of 255 at most, {(off > 0).mean():.2%} of all values"


def _refuse_missing(files: Iterable[object]) -> None:
    missing = [asset.name for asset in files if isinstance(asset, Asset) and not is_here(asset)]
    if missing:
        raise Unavailable(f"left out: not here: {', '.join(missing)}")


def _table(columns: Sequence[str], names: Sequence[str], rows: Callable[[str], Rows]) -> None:
    """Write a table, each row when it is known."""
    _write(columns)
    _write(["---"] * len(columns))
    for name in names:
        try:
            for row in rows(name):
                _write([name, *row, *[""] * (len(columns) - 1 - len(row))])
        except Exception as error:  # the others still say something
            _write([name, one_line(error), *[""] * (len(columns) - 2)])
    _write([])


def _write(cells: Sequence[str]) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n" if cells else "\n")
    sys.stdout.flush()


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--metrics", default=SCORED)
    arguments = parser.parse_args()
    device, end = torch.device(devices.usable_device(arguments.device)), time.monotonic() + arguments.seconds
    determinism.enable()
    about = devices.describe_gpu() if device.type == "cuda" else {}
    sys.stdout.write(f"torch {torch.__version__}; {about}\n\n")
    source = find_category("faces")
    face = source.read(source.list()[0])
    measured = partial(method_rows, device=device, face=face, end=end)
    _table(_RESTORED, arguments.methods.split(","), measured)
    _table(_SCORED, arguments.metrics.split(","), partial(metric_rows, device=device, face=face, _end=end))


if __name__ == "__main__":
    main()
