"""Two processes and one run folder: the second is refused at once; a lock of a dead process stops nobody."""

from __future__ import annotations

import time

from tests.commands import Command, bench
from tests.conftest import write_adapter
from tests.faults.comparing import count

GIVEN = ("--factor", "16", "--metrics", "psnr", "--device", "cpu", "--out", "run")
DONE = "SELECT COUNT(*) FROM cells WHERE status = 'done'"


def test_the_second_is_refused_and_the_first_is_unharmed(folder, tmp_path):
    write_adapter(tmp_path / "slow.py", name="slow")
    run = ("run", "--methods", "./slow.py[wait=0.7]", "--category", f"mine={folder}", *GIVEN)
    first = Command(*run, cwd=tmp_path)
    while not count(tmp_path / "run", DONE):
        assert first.process.is_alive()
        time.sleep(0.02)
    for command in (run, ("score", "run", "--metrics", "ssim", "--device", "cpu")):
        second = bench(*command, cwd=tmp_path)
        assert second.returncode == 2
        assert second.stderr.startswith("error: run is in use by another process; wait for it")
        assert second.stderr.count("\n") == 1
        assert second.seconds < 10
    read = bench("export", "run", "--to", "values.csv", cwd=tmp_path)
    assert read.returncode == 0, "a run is read while it is written"
    ended = first.ended()
    assert ended.returncode == 0, ended.stderr
    assert "3 done" in ended.stdout


def test_a_lock_of_a_dead_process_stops_nobody(folder, tmp_path):
    run = ("run", "--methods", "nearest", "--category", f"mine={folder}", *GIVEN)
    killed = Command(*run, cwd=tmp_path)
    while not (tmp_path / "run" / ".lock").exists():
        time.sleep(0.005)
    assert killed.kill_at(0, with_group=False)
    assert (tmp_path / "run" / ".lock").exists()
    assert bench(*run, cwd=tmp_path).returncode == 0
