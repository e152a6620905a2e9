"""Several workers on this machine: the same images and values as one makes, and what is timed is alone."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

import bench as package
from bench.images.png import load_png
from bench.workers.jobs import Settings
from bench.workers.local import LocalWorker
from tests.bench.workers.helpers import wait_for, write_work
from tests.commands import BENCH, bench, children
from tests.conftest import write_adapter

NOISE = """import torch
        sr = (sr + 0.1 * torch.randn(sr.shape)).clamp(0, 1)
        begin = time.time(); time.sleep(0.3)
        with open(__file__ + ".log", "a") as log: log.write(f"{batch.images[0]} {begin} {time.time()} {os.getpid()}\\n")"""


def given(out, *more):
    given = ("--methods", "./noisy.py", "--category", "mine=photographs", "--factor", "16", "--threads", "1")
    return ["run", *given, "--metrics", "psnr,ssim,./colours.py", "--device", "cpu", "--out", out, *more]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with nine photographs, a method and two metrics."""
    path = tmp_path_factory.mktemp("local")
    write_work(path, "abcdefghi", NOISE)
    return path


@pytest.fixture(scope="module", params=[1, 3])
def made(work, request):
    """A run by some workers, and what the method logged."""
    (work / "noisy.py.log").unlink(missing_ok=True)
    done = bench(*given(f"run{request.param}", "--workers", request.param), cwd=work)
    assert done.returncode == 0, done.stderr
    lines = map(str.split, (work / "noisy.py.log").read_text().splitlines())
    log = sorted((float(begin), float(end), name, pid) for name, begin, end, pid in lines)
    return work / f"run{request.param}", log, request.param


def results(run):
    frame = package.read_results(run)
    values = frame[frame.metric.isin(("psnr", "ssim", "colours"))].sort_values(["metric", "image"])
    images = {path.name: path.read_bytes() for path in run.glob("sr/**/*.png")}
    return images, values[["metric", "image", "value"]].astype(str).to_numpy().tolist()


def test_any_number_of_workers_makes_the_same_and_what_is_timed_is_alone(work, made):
    run, log, workers = made
    images, values = results(run)
    assert (len(images), len(values)) == (9, 9 + 9 + 1)
    assert (images, values) == results(work / "run1")
    assert [name for _, _, name, _ in log[:4]] == [*"abcd"]
    assert all(before[1] < after[0] for before, after in pairwise(log[:5]))
    assert (len({pid for *_, pid in log[:4]}), len({pid for *_, pid in log[4:]})) == (1, workers)
    seconds = package.read_results(run).query("metric == 'seconds'").set_index("image").reason
    assert seconds[[*"efghi"]].notna().all()


def test_scoring_is_killed_and_continued(work):
    """A worker that is killed costs its image once more; the command is killed, and the same one continues."""
    shutil.copytree(work / "run1", work / "killed")
    command = ("score", "killed", "--metrics", "./mean.py", "--workers", "2", "--device", "cpu")
    process = subprocess.Popen([*BENCH, *command], cwd=work, stdout=subprocess.DEVNULL)
    log = work / "mean.py.log"
    wait_for(log.exists, process)
    children(process.pid, "spawn_main")[0].kill()
    wait_for(lambda: len(log.read_text().splitlines()) >= 6, process)
    process.kill()
    process.wait()
    kept = package.read_results(work / "killed").query("metric == 'mean'")
    assert 1 <= len(kept) < 9
    log.unlink()
    done = bench(*command, cwd=work)
    assert done.returncode == 0, done.stderr
    assert len(log.read_text().splitlines()) == 9 - len(kept)
    values = package.read_results(work / "killed").query("metric == 'mean'").set_index("image").value
    assert {*values.index} == {*"abcdefghi"}
    for image, value in values.items():
        (path,) = (work / "killed").glob(f"sr/*/x16/mine/{image}.png")
        assert value == load_png(path).mean()


def test_all_workers_end_with_the_command(work):
    slow = write_adapter(work / "slow.py", "time.sleep(60 if batch.images[0] > 'd' else 0)", name="slow").name
    command = [*BENCH, *given("slow", "--workers", "2")]
    process = subprocess.Popen(
        [part.replace("noisy.py", slow) for part in command], cwd=work, stdout=subprocess.DEVNULL
    )
    workers: list[psutil.Process] = []
    while len(workers) < 2:
        assert process.poll() is None
        workers = children(process.pid, "spawn_main")
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert not psutil.wait_procs(workers, timeout=10)[1]


SETTINGS = Settings("cpu", 1, None, str(Path.cwd()))


class Sleeper:
    """A role whose every answer takes a minute."""

    def __init__(self, settings):
        pass

    def answer(self, job):
        time.sleep(60)


def test_a_worker_that_is_stopped_while_it_begins_is_ended(monkeypatch):
    worker = LocalWorker(Sleeper, SETTINGS)
    start, begun, processes = multiprocessing.process.BaseProcess.start, threading.Event(), []

    def slow_start(process):
        start(process)
        processes.append(process)
        begun.set()
        time.sleep(0.5)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", slow_start)
    waiting = threading.Thread(target=worker.answer, args=["a job"])
    waiting.start()
    begun.wait()
    worker.stop()
    waiting.join(20)
    assert not waiting.is_alive()
    assert [process.exitcode for process in processes] == [-signal.SIGKILL]
    assert "was ended" in worker.answer("another job").reason


def test_a_worker_that_is_interrupted_is_ended_with_all_that_it_started(monkeypatch):
    """Ctrl-C meets a command while it waits for an answer in its own thread."""
    worker, ended = LocalWorker(Sleeper, SETTINGS), []

    def interrupted(_, job):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.workers.local._Process.ask", interrupted)
    monkeypatch.setattr(worker, "_end", lambda end=worker._end: ended.append(end()))
    with pytest.raises(KeyboardInterrupt):
        worker.answer("a job")
    worker.stop()
    assert ended == [None]
