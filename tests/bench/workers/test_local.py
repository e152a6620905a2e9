"""Several workers on this machine: the same images and values as one makes, and what is timed is alone."""

from __future__ import annotations

import os
import signal
import subprocess
from itertools import pairwise

import psutil
from PIL import Image

import bench as package
from tests.commands import BENCH, bench, children
from tests.conftest import photo, write_adapter

NOISE = """import torch
        sr = (sr + 0.1 * torch.randn(sr.shape)).clamp(0, 1)
        begin = time.time(); time.sleep(0.3)
        with open(__file__ + ".log", "a") as log: log.write(f"{batch.images[0]} {begin} {time.time()} {os.getpid()}\\n")"""


def given(folder, out, *more):
    given = ("--methods", "./noisy.py", "--category", f"mine={folder}", "--factor", "16", "--threads", "1")
    return ["run", *given, "--metrics", "psnr,ssim", "--device", "cpu", "--out", out, *more]


def made(run):
    frame = package.read_results(run)
    values = frame[frame.metric.isin(("psnr", "ssim"))].sort_values(["metric", "image"])[["image", "value"]]
    return {path.name: path.read_bytes() for path in run.glob("sr/**/*.png")}, values.to_numpy().tolist()


def test_any_number_of_workers_makes_the_same_and_what_is_timed_is_alone(folder, tmp_path):
    for seed in range(3, 9):
        Image.fromarray(photo(seed)).save(folder / f"{'abcdefghi'[seed]}.png")
    log = write_adapter(tmp_path / "noisy.py", NOISE, name="noisy").with_name("noisy.py.log")
    for workers in ((), ("--workers", 3)):
        log.unlink(missing_ok=True)
        done = bench(*given(folder, f"run{len(workers) and workers[1]}", *workers), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert made(tmp_path / "run0") == made(tmp_path / "run3")
    lines = map(str.split, log.read_text().splitlines())
    times = sorted((float(begin), float(end), name, pid) for name, begin, end, pid in lines)
    assert [name for _, _, name, _ in times[:4]] == [*"abcd"]
    assert all(before[1] < after[0] for before, after in pairwise(times[:5]))
    assert (len({pid for *_, pid in times[:4]}), len({pid for *_, pid in times[4:]})) == (1, 3)
    seconds = package.read_results(tmp_path / "run3").query("metric == 'seconds'").set_index("image").reason
    assert seconds[[*"efghi"]].notna().all()


def test_all_workers_end_with_the_command(folder, tmp_path):
    write_adapter(tmp_path / "noisy.py", "time.sleep(60 if batch.images[0] > 'd' else 0)", name="noisy")
    for seed in range(3, 6):
        Image.fromarray(photo(seed)).save(folder / f"{'abcdef'[seed]}.png")
    process = subprocess.Popen(
        [*BENCH, *given(folder, "run", "--workers", "2")], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    workers: list[psutil.Process] = []
    while len(workers) < 2:
        assert process.poll() is None
        workers = children(process.pid, "spawn_main")
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert not psutil.wait_procs(workers, timeout=10)[1]
