"""The seconds that a run records beside those of a script that times the bare method."""

from __future__ import annotations

import statistics
import time

import pytest
import torch

import bench as package
from bench.base.device import cores
from bench.base.types import Batch, Category
from bench.images.png import load_png, to_tensor
from bench.registry.methods import build
from bench.store.layout import RunLayout
from bench.workers import determinism
from tests.commands import bench

IMAGES, FACTOR = 4, 32


@pytest.mark.parametrize("method", ["bicubic", "glean", "esrgan+", "esrgan", "pulse"])
def test_seconds_are_those_of_the_bare_method(tmp_path, report, method):
    """Three images are timed after the first. The sides are timed one after the other, so a change of the machine shows."""
    given = (
        "--methods",
        method,
        "--category",
        "faces",
        "--factor",
        FACTOR,
        "--images",
        IMAGES,
        "--metrics",
        "psnr",
    )
    done = bench("run", *given, "--out", "run", cwd=tmp_path, timeout=1200)
    assert done.returncode == 0, done.stderr
    frame = package.read_results(tmp_path / "run")
    recorded = frame[(frame.metric == "seconds") & frame.reason.isna()].value
    layout = RunLayout(tmp_path / "run")
    images = sorted(path.stem for path in (tmp_path / "run/hr/faces").glob("*.png"))
    bare = statistics.median(_bare(method, [layout.lr("faces", image, FACTOR) for image in images]))
    ratio = recorded.median() / bare
    report(f"{method}: recorded seconds / bare", f"{ratio:.3f}, {recorded.median():.3f} s, n = {len(recorded)}")
    assert abs(ratio - 1) <= 0.05


def _bare(method, paths):
    determinism.enable(cores())
    adapter = build(method)
    adapter.load(torch.device("cpu"))
    for number, path in enumerate(paths):
        lr = to_tensor(load_png(path))
        begin = time.perf_counter()
        adapter.restore(Batch(lr, FACTOR, (path.stem,), (0,), Category("faces", "face"), {}))
        if number:
            yield time.perf_counter() - begin
