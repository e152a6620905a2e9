"""The clock: files from the future and the past, and a clock that jumps while a run is made, change nothing."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.commands import IS_FULL, bench, fresh_bench
from tests.conftest import write_adapter
from tests.faults.comparing import files, rows, times

YEARS = 10 * 365 * 86_400
GIVEN = ("--factor", "16", "--metrics", "psnr", "--device", "cpu", "--out", "run")
JUMPING = """import time
open(__file__ + ".seen", "a").write("x")
true = time.time
time.time = lambda: true() + {seconds} * (int(true()) % 3 - 1)
true_ns = time.time_ns
time.time_ns = lambda: int(time.time() * 1e9)
"""


def run(folder, methods="nearest"):
    return ("run", "--methods", methods, "--category", f"mine={folder}", *GIVEN)


@pytest.mark.parametrize("shift", [YEARS, *([-YEARS] if IS_FULL else [])])
def test_files_of_another_time_are_not_made_again(folder, tmp_path, shift):
    """Sources, pictures and previews that somebody copied with a wrong clock: nothing is due, the page is the same."""
    assert bench(*run(folder), cwd=tmp_path).returncode == 0
    assert bench("report", "run", cwd=tmp_path).returncode == 0
    page = files(tmp_path / "run" / "report")
    rng = random.Random(0)
    for path in sorted(tmp_path.rglob("*.*")):
        if path.is_file() and folder not in path.parents:
            at = time.time() + shift + rng.uniform(0, 1000)
            os.utime(path, (at, at))
    before = times(tmp_path / "run", "[hls]r/**/*.png")
    again = bench(*run(folder), cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "nearest: " not in again.stdout
    assert times(tmp_path / "run", "[hls]r/**/*.png") == before
    assert bench("report", "run", cwd=tmp_path).returncode == 0
    assert files(tmp_path / "run" / "report") == page


def test_touched_sources_are_read_again_and_nothing_else_is_done(folder, tmp_path):
    assert bench(*run(folder), cwd=tmp_path).returncode == 0
    before, written = rows(tmp_path / "run"), times(tmp_path / "run", "sr/**/*")
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    assert bench(*run(folder), cwd=tmp_path).returncode == 0
    assert times(tmp_path / "run", "sr/**/*") == written
    changed = set(before) ^ set(rows(tmp_path / "run"))
    assert all(line.startswith('INSERT INTO "images"') for line in changed), changed


def test_a_clock_that_jumps_by_years_while_a_run_is_made(folder, tmp_path):
    """Time limits, measured seconds and the results stand on clocks that only go forward."""
    write_adapter(tmp_path / "slow.py", name="slow")
    given = run(folder, "nearest,./slow.py[wait=0.5]")
    assert bench(*given, cwd=tmp_path).returncode == 0
    (tmp_path / "straight").mkdir()
    (tmp_path / "run").rename(tmp_path / "straight" / "run")
    (tmp_path / "sitecustomize.py").write_text(JUMPING.format(seconds=YEARS))
    jumping = fresh_bench(*given, "--timeout", 20, cwd=tmp_path, env={"PYTHONPATH": os.fspath(tmp_path)})
    assert jumping.returncode == 0, jumping.stderr
    assert "6 done" in jumping.stdout
    assert len((tmp_path / "sitecustomize.py.seen").read_text()) >= 3, "the command and its two workers"
    made, straight = files(tmp_path / "run"), files(tmp_path / "straight" / "run")
    assert made == straight
