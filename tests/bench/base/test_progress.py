"""Progress where there is no terminal: plain lines that say how far it is, and the time that is left."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from bench.base.progress import Reporter


@pytest.mark.parametrize(
    ("seconds", "left"), [(1.5, "16 s"), (15, "3 min"), (900, "3 h"), (40_000, "5 days"), (10.5, "116 s")]
)
def test_a_log_says_the_time_that_is_left(seconds, left, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=80)
    with Reporter(console).stage("score psnr", 13) as advance:
        for step in range(13):
            now[0] += seconds if step else 500  # the first one includes loading
            advance(f"cell {step}")
    lines = console.file.getvalue().splitlines()
    assert lines[1] == "  [1/13] cell 0"
    assert lines[2] == f"  [2/13, {left} left] cell 1"
    assert lines[13] == "  [13/13] cell 12"
    assert len(lines) == 15
