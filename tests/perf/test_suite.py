"""What the suite adds to the work that nobody can leave out: forward passes, and metrics on decoded images."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from bench.base.types import Batch, Category
from bench.images.png import load_png, to_tensor
from bench.registry import METRICS
from bench.registry.methods import build
from bench.store.layout import RunLayout
from bench.workers import determinism
from tests.commands import bench

FEW, MANY = 1, int(os.environ.get("BENCH_PERF_IMAGES", "7"))
"""What many images take longer than few does not hold the start."""
FACTORS = (16, 32, 64)
NAMES = ("psnr", "ssim", "lite2")


def test_a_run_costs_its_passes_and_metrics(tmp_path, report):
    run = ("run", "--methods", "glean", "--factor", "16,32,64", "--images")
    first = bench(
        *(*run, MANY, "--category", "faces", "--metrics", "psnr", "--out", "drawn"), cwd=tmp_path, timeout=1200
    )
    assert first.returncode == 0, first.stderr
    options = ("--category", "again=drawn/hr/faces", "--metrics", ",".join(NAMES), "--out")
    few, many, nothing = (
        _seconds((*run, images, *options, out), tmp_path)
        for images, out in ((FEW, "few"), (MANY, "many"), (MANY, "many"))
    )
    cells = (MANY - FEW) * len(FACTORS)
    alone = _alone(RunLayout(tmp_path / "many")) * (MANY - FEW) / MANY
    report(f"a run, {cells} cells more / their passes and metrics", (many - few) / alone, most=1.1)
    report("seconds of a cell's pass and metrics", alone / cells)
    report("seconds added to a cell", (many - few - alone) / cells)
    report("seconds of a run's start", few - (many - few) / (MANY - FEW))
    report("seconds of a run with nothing left to do", nothing)
    assert many - few < 1.7 * alone


def _seconds(command: Sequence[object], folder: Path) -> float:
    begin = time.perf_counter()
    done = bench(*command, cwd=folder, timeout=1200)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - begin


def _alone(run: RunLayout) -> float:
    """Return the seconds of the forward passes and of the metrics, once warm, images decoded."""
    determinism.enable(os.cpu_count())
    method = build("glean")
    method.load(torch.device("cpu"))
    metrics = [METRICS.create(name) for name in NAMES]
    for metric in metrics:
        metric.load(torch.device("cpu"))
    total, category = 0.0, Category("faces", "faces")
    for path in sorted((run.root / "hr/again").glob("*.png")):
        hr = load_png(path)
        lrs = [load_png(run.lr("again", path.stem, factor)) for factor in FACTORS]
        srs = [load_png(run.sr("glean", "again", path.stem, factor)) for factor in FACTORS]
        batches = [
            Batch(to_tensor(lr), factor, (path.stem,), (0,), category, {})
            for lr, factor in zip(lrs, FACTORS, strict=True)
        ]
        if not total:
            method.restore(batches[0])
            [metric.compare(srs[0], metric.features(hr), FACTORS[0]) for metric in metrics]
        begin = time.perf_counter()
        for batch in batches:
            method.restore(batch)
        for metric in metrics:
            features = metric.features(hr)
            for sr, factor in zip(srs, FACTORS, strict=True):
                metric.compare(sr, features, factor)
        total += time.perf_counter() - begin
    return total
