"""The seconds that a run records beside those of a script that times the bare method."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

import pytest

import bench as package
from bench.store.layout import RunLayout
from bench.workers.process_tree import YIELDING
from tests.commands import bench

FACTOR = 32
TURNS = 3


@pytest.mark.parametrize(
    ("method", "images"), [("bicubic", 4), ("glean", 4), ("esrgan+", 4), ("esrgan", 2), ("pulse", 2)]
)
def test_seconds_are_those_of_the_bare_method(tmp_path, report, method, images):
    """A run and a bare method take turns; all images but the first are timed."""
    ratios = []
    for turn in range(TURNS):
        recorded = _recorded(tmp_path / f"run{turn}", method, images)
        layout = RunLayout(tmp_path / f"run{turn}")
        names = sorted(path.stem for path in (layout.root / "hr/faces").glob("*.png"))
        bare = _bare(method, [layout.lr("faces", name, FACTOR) for name in names])
        if recorded:
            ratios.append(statistics.median(recorded) / statistics.median(bare))
    assert ratios, "every pass of the runs was disturbed"
    ratio = statistics.median(ratios)
    spread = f"{min(ratios):.3g} to {max(ratios):.3g}, {len(ratios)} turns"
    report(f"seconds that a run records of {method} / those of a script", ratio, spread, most=1.05, least=0.95)
    assert abs(ratio - 1) <= 0.05


def _recorded(run, method, images):
    """Return the seconds that count."""
    given = ("--methods", method, "--category", "faces", "--factor", FACTOR, "--images", images)
    done = bench("run", *given, "--metrics", "psnr", "--out", run.name, cwd=run.parent, timeout=1200)
    assert done.returncode == 0, done.stderr
    frame = package.read_results(run)
    return frame[(frame.metric == "seconds") & frame.reason.isna()].value.tolist()


def _bare(method, paths):
    """Return the seconds of the bare method, whose threads wait as those of a worker do."""
    command = [sys.executable, "-m", "tests.perf.bare", method, str(FACTOR), *map(str, paths)]
    environment = os.environ | YIELDING
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]
