"""A worker's family: what a method starts carries the worker's mark, so that nothing outlives the worker.

A process keeps the environment that it was started with, and hands it on to what it forks or starts. The mark
finds them all, also those whose parent is gone and those in a session of their own.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker

import psutil

VARIABLE = "BENCH_WORKER"
ROUNDS = 100
"""How often to look again: a process may start others while it is being ended."""


@contextmanager
def tagged_env() -> Iterator[str]:
    """Yield a new mark; every process that is started inside carries it."""
    resource_tracker.ensure_running()  # it serves all workers, and must not carry the mark of the first
    mark, before = uuid.uuid4().hex, os.environ.get(VARIABLE)
    os.environ[VARIABLE] = mark
    try:
        yield mark
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def end(mark: str) -> None:
    """End every process that carries a mark, but for this one."""
    for _ in range(ROUNDS):
        found = [process for process in psutil.process_iter() if _carries(process, mark)]
        if not found:
            return
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.pid != os.getpid() and bool(process.environ().get(VARIABLE) == mark)
    except (psutil.Error, OSError):
        return False
