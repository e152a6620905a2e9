"""A worker's process tree: what a method starts carries the worker's tag, so that nothing outlives the worker.

A process keeps the environment that it was started with and passes it on to what it forks or starts. So the tag
finds all of them, also those whose parent is gone and those in a session of their own.
"""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker

import psutil

VARIABLE = "BENCH_WORKER"
"""The environment variable that holds the tag."""
SAFE_PATH = "PYTHONSAFEPATH"
"""Keeps a `types.py` of the working folder out of an interpreter that starts; a worker takes it off again, as the
programs that it starts may need what lies beside them."""
YIELDING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
"""Threads that wait give their core away, unless the user said otherwise: spinning ones of several processes keep
each other from working. OpenMP of GNU and that of Intel and LLVM read these when torch is first imported."""
_ENVIRONMENT = threading.Lock()
_ROUNDS = 100
"""How often to look again: a process may start others while it is being killed."""


@contextmanager
def tagged_env() -> Iterator[str]:
    """Yield a new tag; every process that is started inside carries it, and `SAFE_PATH`."""
    resource_tracker.ensure_running()  # it serves all workers, and must not carry the tag of the first
    with _ENVIRONMENT:
        yield from _tagged(uuid.uuid4().hex)


def _tagged(tag: str) -> Iterator[str]:
    changed = {name: os.environ.get(name, value) for name, value in YIELDING.items()}
    changed |= {VARIABLE: tag, SAFE_PATH: "1"}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield tag
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def end(tag: str) -> None:
    """Kill every process that carries a tag, but for this one."""
    for _ in range(_ROUNDS):
        tagged = [process for process in psutil.process_iter() if _carries(process, tag)]
        if not tagged:
            return
        for process in tagged:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)


def _carries(process: psutil.Process, tag: str) -> bool:
    try:
        return process.pid != os.getpid() and bool(process.environ().get(VARIABLE) == tag)
    except (psutil.Error, OSError):
        return False
