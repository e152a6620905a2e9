"""A disk without room: one sentence, nothing that was done is lost, and the same command goes on once there is room.

A small tmpfs is filled until so many bytes are left; where nobody may mount one, a limit on the size of files stands
in for it. `FAULT_MOMENTS=20` tries many amounts of room.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import IS_FULL, bench
from tests.faults.comparing import count, files

REMEDY = "nothing that was finished is lost; make room and give the same command again"
LEFT = range(0, 480_000, 80_000) if IS_FULL else (0, 170_000)
"""Bytes that are left to a run: it needs some 500,000."""
LEFT_TO_REPORT = range(0, 120_000, 30_000) if IS_FULL else (60_000,)


@pytest.fixture
def disk(tmp_path) -> Path:
    """A disk of 2 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"only root may mount a small disk: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Leave a disk so many bytes."""
    ballast, status = disk / "ballast", os.statvfs(disk)
    ballast.write_bytes(bytes(status.f_bavail * status.f_frsize - left))
    return ballast


def run_on(disk: Path, folder: Path) -> tuple[object, ...]:
    given = ("--methods", "nearest,bicubic", "--factor", "16,32", "--metrics", "psnr", "--device", "cpu")
    return ("run", *given, "--category", f"mine={folder}", "--out", disk / "run")


def assert_one_sentence(ended) -> None:
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.startswith("error: ")
    assert REMEDY in ended.stderr


def test_while_restoring_scoring_and_reporting(disk, folder, tmp_path):
    whole = shutil.copytree(folder, tmp_path / "elsewhere")
    assert bench(*run_on(whole, folder), cwd=tmp_path).returncode == 0
    failed = 0
    for left in LEFT:
        ballast = fill(disk, left)
        ended = bench(*run_on(disk, folder), cwd=tmp_path)
        if ended.returncode:
            failed += 1
            assert_one_sentence(ended)
        done = count(disk / "run", "SELECT COUNT(*) FROM cells WHERE status = 'done'")
        ballast.unlink()
        again = bench(*run_on(disk, folder), cwd=tmp_path)
        assert again.returncode == 0, again.stderr
        restored = sum(
            f"{name}: " in line for name in ("nearest", "bicubic") for line in again.stdout.splitlines()
        )
        assert restored or done == 12
        assert pictures(disk / "run") == pictures(whole / "run")
        if left != LEFT[-1]:
            shutil.rmtree(disk / "run")
    assert failed
    for left in LEFT_TO_REPORT:
        ballast = fill(disk, left)
        assert_one_sentence(bench("report", disk / "run", cwd=tmp_path))
        assert not (disk / "run" / "report" / "index.html").exists()
        ballast.unlink()
    assert bench("report", disk / "run", cwd=tmp_path).returncode == 0
    assert [path.name for path in (disk / "run").rglob(".*") if path.name != ".lock"] == []


def pictures(run: Path) -> dict[str, bytes]:
    """Return what a run restored; the small pictures of a report may wait for it."""
    return {name: content for name, content in files(run).items() if name.startswith(("hr", "lr/", "sr"))}


def test_files_that_may_not_grow(folder, tmp_path):
    """RLIMIT_FSIZE: a write of the database, then of the page, fails in its middle, as with a quota."""
    run = run_on(tmp_path, folder)
    ended = bench(*run, cwd=tmp_path, limits={resource.RLIMIT_FSIZE: 70_000})
    assert_one_sentence(ended)
    assert "run/results.db cannot be used" in ended.stderr
    assert bench(*run, cwd=tmp_path).returncode == 0
    ended = bench("report", "run", cwd=tmp_path, limits={resource.RLIMIT_FSIZE: 70_000})
    assert_one_sentence(ended)
    assert "File too large" in ended.stderr
    assert bench("report", "run", cwd=tmp_path).returncode == 0
