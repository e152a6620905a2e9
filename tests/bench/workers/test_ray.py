"""The Ray executor, on real Ray: the same images and values for any number of workers, none lost to a killed one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench as package
from tests.bench.workers.helpers import wait_for, write_work
from tests.commands import BENCH, bench, children
from tests.conftest import write_adapter

NOISE = """import torch
        sr = (sr + 0.1 * torch.randn(sr.shape)).clamp(0, 1)
        with open(__file__ + ".log", "a") as log:
            log.write(f"{batch.images[0]} {batch.factor} {os.getpid()} {os.nice(0)}\\n")"""
METRICS = ("psnr", "colours", "mean")


def run_command(out, *more, methods="./noisy.py", category="mine=photographs"):
    metrics = "psnr,./colours.py,./mean.py"
    return [
        *("run", "--methods", methods, "--category", category, "--factor", "16,32", "--metrics", metrics),
        *("--device", "cpu", "--threads", "1", "--out", out, *more),
    ]


def results(run):
    """Return the PNGs of the one method of a run, and the values of its first repeat."""
    frame = package.read_results(run)
    values = frame[frame.metric.isin(METRICS) & (frame.repeat == 0)].sort_values(["metric", "image", "factor"])
    images = {str(path.relative_to(run).parts[2:]): path.read_bytes() for path in run.glob("sr/**/*.png")}
    return images, values[["metric", "image", "factor", "value"]].astype(str).to_numpy().tolist()


def logged(work):
    path = work / "noisy.py.log"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with three photographs, a method, two metrics, and a run by one local worker."""
    path = tmp_path_factory.mktemp("ray")
    write_work(path, "abc", NOISE)
    write_adapter(path / "huge.py", name="huge", members="needs = Needs(memory_mb=1e9)")
    done = bench(*run_command("local"), cwd=path)
    assert done.returncode == 0, done.stderr
    assert [*map(len, results(path / "local"))] == [6, 6 + 2 + 6]
    return path


@pytest.fixture(autouse=True)
def _no_logs(work):
    for log in work.glob("*.log"):
        log.unlink()


SLURM = {
    "srun": 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
    "scontrol": "echo localhost",
    "hostname": "echo 127.0.0.1",
}
"""An allocation of one node, this machine: what the recipe asks of SLURM, answered by the shell."""


def test_the_slurm_recipe(work, tmp_path):
    """It comes before the tests with a cluster: `ray start --head` refuses a machine that has one."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {**SLURM, "bench": f'exec {sys.executable} -c "{BENCH[2]}" "$@"'}.items():
        (programs / name).write_text(f"#!/bin/bash\n{script}\n")
        (programs / name).chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    recipe = Path(package.__file__).parents[1] / "docs" / "slurm.sbatch"
    done = subprocess.run(
        ["bash", recipe, *run_command("slurm", "--workers", "1")[1:]],
        cwd=work,
        env={
            **os.environ,
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "BENCH_HOME": str(tmp_path / "assets"),
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
    assert results(work / "slurm") == results(work / "local")


NODES = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
print("address", cluster.address, flush=True)
sys.stdin.readline()
cluster.shutdown()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two Ray nodes of one core each on the loopback, begun in a folder of their own: options and process."""
    process = subprocess.Popen(
        [sys.executable, "-c", NODES],
        cwd=tmp_path_factory.mktemp("nodes"),
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    address = next(line.split()[1] for line in process.stdout if line.startswith("address"))
    yield ("--executor", "ray", "--address", address), process
    process.communicate("\n", timeout=60)


def test_one_worker_makes_the_same_and_begins_with_the_longest(work):
    done = bench(*run_command("one", "--executor", "ray", "--workers", "1"), cwd=work)
    assert done.returncode == 0, done.stderr
    assert results(work / "one") == results(work / "local")
    # A result has the same number of pixels at both factors; at 16 the LR is larger.
    assert [factor for _, factor, *_ in logged(work)] == ["16"] * 3 + ["32"] * 3
    assert {int(niceness) for *_, niceness in logged(work)} == {os.nice(0)}
    again = bench(*run_command("one", "--executor", "ray", "--workers", "1"), cwd=work, timeout=60)
    assert "6 done" in again.stdout
    assert len(logged(work)) == 6


def test_two_machines_with_folders_of_their_own(work, cluster):
    options, _ = cluster
    repeated = ("--repeats", "2")  # the first four of a factor are timed, alone on one worker
    done = bench(
        *run_command("two", *options, "--workers", "4", *repeated, methods="./noisy.py[wait=0.5]"), cwd=work
    )
    assert done.returncode == 0, done.stderr
    # A worker takes one core and a node has one: two of four have room, one on each node.
    assert len({pid for _, _, pid, _ in logged(work)}) == 2
    images, values = results(work / "two")
    assert len(images) == 12
    first = {path: image for path, image in images.items() if "@" not in path}
    assert (first, values) == results(work / "local")


def test_what_no_machine_has_is_refused(work, cluster):
    options, _ = cluster
    huge = bench(*run_command("huge", *options, methods="./huge.py"), cwd=work)
    assert huge.returncode == 2
    assert "no machine of the cluster has what a worker needs" in huge.stderr
    assert "expected 1 cores, 0 GPUs and 1000000.0 GB" in huge.stderr.replace("\n", " ")


def test_killed_workers_cost_nothing(work, cluster):
    """The worker process and the actor that keeps it are killed while they restore, and again while they score."""
    options, nodes = cluster
    command = run_command("killed", *options, "--workers", "2", methods="./noisy.py[wait=0.7]")
    process = subprocess.Popen(
        [*BENCH, *command], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for count, is_actor in ((1, False), (3, True)):
        wait_for(lambda count=count: len(logged(work)) >= count, process)
        time.sleep(0.3)
        _kill(children(nodes.pid, "spawn_main")[0], is_actor)
    wait_for((work / "mean.py.log").exists, process)
    for worker, is_actor in zip(children(nodes.pid, "spawn_main"), (False, True), strict=False):
        _kill(worker, is_actor)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert results(work / "killed") == results(work / "local")
    assert len(logged(work)) <= 8, "more than the killed cells was done twice"


def _kill(worker, is_actor):
    (worker.parent() if is_actor else worker).kill()


def test_a_killed_driver_continues(work, cluster):
    options, _ = cluster
    command = run_command("driver", *options, "--workers", "2", methods="./noisy.py[wait=0.7]")
    process = subprocess.Popen(
        [*BENCH, *command], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    wait_for(lambda: len([*work.glob("driver/sr/**/*.png")]) >= 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # An image is saved, then recorded: one that was saved in the last moment may be restored again.
    recorded = len(package.read_results(work / "driver").query("metric == 'seconds'"))
    saved = {path: path.stat().st_mtime_ns for path in work.glob("driver/sr/**/*.png")}
    assert 1 <= recorded <= len(saved)
    done = bench(*command, cwd=work)
    assert done.returncode == 0, done.stderr
    assert results(work / "driver") == results(work / "local")
    assert sum(path.stat().st_mtime_ns == then for path, then in saved.items()) >= recorded


def test_wrong_use_is_said_at_once(folder, command, tmp_path):
    given = ("run", "--methods", "bicubic", "--category", f"mine={folder}", "--executor")
    nowhere = bench(*given, "ray", "--address", "127.0.0.1:9", cwd=tmp_path)
    assert nowhere.returncode == 2
    assert "no Ray cluster at 127.0.0.1:9" in nowhere.stderr
    other = command(*given, "slurm")
    assert "executor: got slurm, expected local or ray" in other.stderr
