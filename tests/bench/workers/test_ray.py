"""The Ray executor, on real Ray: the same images for any number of workers, and none lost to a killed one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import bench as package
from tests.commands import BENCH, bench, children
from tests.conftest import write_adapter

COSTS = {"seconds", "peak_memory_mb"}
NOISE = """import torch
        sr = (sr + 0.1 * torch.randn(sr.shape)).clamp(0, 1)
        with open(__file__ + ".log", "a") as log:
            log.write(f"{batch.images[0]} {batch.factor}\\n")
        import os
        with open(__file__ + ".log.pid", "a") as log:
            log.write(f"{os.getpid()}\\n")"""


def run_command(folder, out, methods="./noisy.py", more=("--executor", "ray", "--workers", "2", "--threads", "1")):
    return [
        *("run", "--methods", methods, "--category", f"mine={folder}", "--factor", "16,32"),
        *("--metrics", "psnr", "--device", "cpu", "--out", out, *more),
    ]


def pngs(run):
    return {path.relative_to(run): path.read_bytes() for path in run.glob("sr/**/*.png")}


def values(run):
    frame = package.read_results(run)
    return frame[~frame.metric.isin(COSTS)].sort_values(["metric", "image", "factor"]).reset_index(drop=True)


@pytest.fixture
def work(tmp_path):
    write_adapter(tmp_path / "noisy.py", NOISE, name="noisy")
    return tmp_path


def test_any_number_of_workers_makes_the_same_images(folder, work):
    local = bench(*run_command(folder, "local", more=("--threads", "1")), cwd=work)
    assert local.returncode == 0, local.stderr
    for workers in (1, 3):
        more = ("--executor", "ray", "--workers", str(workers), "--threads", "1")
        done = bench(*run_command(folder, f"ray{workers}", more=more), cwd=work)
        assert done.returncode == 0, done.stderr
        assert pngs(work / f"ray{workers}") == pngs(work / "local")
        assert values(work / f"ray{workers}").equals(values(work / "local"))
    again = bench(*run_command(folder, "ray3"), cwd=work, timeout=60)
    assert "6 done" in again.stdout
    assert len((work / "noisy.py.log").read_text().splitlines()) == 3 * 6


def test_the_longest_is_restored_first(folder, work):
    done = bench(
        *run_command(folder, "run", more=("--executor", "ray", "--workers", "1", "--threads", "1")), cwd=work
    )
    assert done.returncode == 0, done.stderr
    factors = [line.split()[1] for line in (work / "noisy.py.log").read_text().splitlines()]
    # A result has the same number of pixels at both factors; at 16 the LR is larger.
    assert factors == ["16"] * 3 + ["32"] * 3


@pytest.mark.parametrize("victim", ["spawn_main", "ray::LocalWorker"])
def test_a_killed_worker_costs_nothing(folder, work, victim):
    """Both the worker process and the Ray actor that keeps it are killed while they restore."""
    methods = "./noisy.py[wait=1.5]"
    process = subprocess.Popen(
        [*BENCH, *run_command(folder, "run", methods)],
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _wait_for((work / "noisy.py.log").exists)
    time.sleep(0.3)
    assert _kill_one(victim, process.pid), "no process to kill"
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    frame = package.read_results(work / "run")
    assert (frame.status == "done").all()
    assert len(frame[frame.metric == "psnr"]) == 6
    log = (work / "noisy.py.log").read_text().splitlines()
    assert len(set(log)) == 6
    assert len(log) <= 7, "more than the killed cell was done twice"


def test_a_killed_driver_continues(folder, work):
    methods = "./noisy.py[wait=0.7]"
    process = subprocess.Popen(
        [*BENCH, *run_command(folder, "run", methods)],
        cwd=work,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait_for(lambda: len(pngs(work / "run")) >= 2)
    orphans = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # An image is saved, then recorded: one that was saved in the last moment may be restored again.
    recorded = len(package.read_results(work / "run").query("metric == 'seconds'"))
    saved = {path: path.stat().st_mtime_ns for path in (work / "run").glob("sr/**/*.png")}
    assert 1 <= recorded <= len(saved)
    done = bench(*run_command(folder, "run", methods), cwd=work)
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    assert done.returncode == 0, done.stderr
    assert len(pngs(work / "run")) == 6
    assert sum(path.stat().st_mtime_ns == then for path, then in saved.items()) >= recorded


NODES = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
print("address", cluster.address, flush=True)
sys.stdin.readline()
cluster.shutdown()
"""


@pytest.fixture
def cluster(tmp_path_factory):
    """Two Ray nodes of one core each on the loopback, begun in a folder of their own; their address."""
    process = subprocess.Popen(
        [sys.executable, "-c", NODES],
        cwd=tmp_path_factory.mktemp("nodes"),
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield next(line.split()[1] for line in process.stdout if line.startswith("address"))
    process.communicate("\n", timeout=60)


def test_two_machines_with_folders_of_their_own(folder, work, cluster):
    more = ("--executor", "ray", "--address", cluster)
    # The first four of a factor are timed, alone on one worker.
    enough = (*more, "--workers", "2", "--repeats", "3")
    done = bench(*run_command(folder, "run", "./noisy.py[wait=0.5]", enough), cwd=work)
    assert done.returncode == 0, done.stderr
    assert len(pngs(work / "run")) == 18
    # A worker takes one core and a node has one, so the second of the two workers was on the second node.
    assert len(set((work / "noisy.py.log.pid").read_text().split())) == 2
    wide = bench(*run_command(folder, "wide", "bicubic", (*more, "--threads", "64")), cwd=work)
    assert wide.returncode == 2
    assert "no machine of the cluster has what a worker needs" in wide.stderr
    assert "expected 64 cores" in wide.stderr
    write_adapter(work / "huge.py", name="huge", members="needs = Needs(memory_mb=1e9)")
    huge = bench(*run_command(folder, "huge", "./huge.py", more), cwd=work)
    assert huge.returncode == 2
    assert "expected 1 cores, 0 GPUs and 1000000.0 GB" in huge.stderr.replace("\n", " ")


def test_wrong_use_is_said_at_once(folder, command, tmp_path):
    nowhere = bench(
        *run_command(folder, "run", "bicubic", ("--executor", "ray", "--address", "127.0.0.1:9")), cwd=tmp_path
    )
    assert nowhere.returncode == 2
    assert "no Ray cluster at 127.0.0.1:9" in nowhere.stderr
    other = command(*run_command(folder, "run", "bicubic", ("--executor", "slurm")))
    assert "executor: got slurm, expected local or ray" in other.stderr


def _wait_for(happened, seconds=120.0):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def _kill_one(name, driver):
    """Kill the first process below a driver whose command line has a name in it."""
    for child in children(driver, name):
        child.kill()
        return True
    return False


SLURM = {
    "srun": 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
    "scontrol": "echo localhost",
    "hostname": "echo 127.0.0.1",
}
"""An allocation of one node, this machine: what the recipe asks of SLURM, answered by the shell."""


def test_the_slurm_recipe(folder, work):
    programs = work / "bin"
    programs.mkdir()
    for name, script in {**SLURM, "bench": f'exec {sys.executable} -c "{BENCH[2]}" "$@"'}.items():
        (programs / name).write_text(f"#!/bin/bash\n{script}\n")
        (programs / name).chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    recipe = Path(package.__file__).parents[1] / "docs" / "slurm.sbatch"
    arguments = run_command(folder, "run", "./noisy.py", ("--workers", "1", "--threads", "1"))[1:]
    done = subprocess.run(
        ["bash", recipe, *arguments],
        cwd=work,
        env={
            **os.environ,
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(work),
            "BENCH_HOME": str(work / "assets"),
            "SLURM_JOB_NODELIST": "node1",
            "SLURM_JOB_NUM_NODES": "1",
            "SLURM_CPUS_PER_TASK": "1",
            "RAY_PORT": port,
            "RAY_USAGE_STATS_ENABLED": "0",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(pngs(work / "run")) == 6
