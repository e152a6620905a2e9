"""The Ray executor: as many workers as asked for, on this machine or on every machine of a cluster.

Each Ray actor keeps one worker process of the local executor, so faults, time limits and peak memory mean the same
everywhere. Jobs and results are pixels in Ray's object store; results come back to the one process that writes.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Self

from bench.base.errors import Unavailable, UsageError
from bench.store.store import Status
from bench.workers import Outcome, Settings, Task
from bench.workers.local import Restorer

MAX_ATTEMPTS = 2
"""How many actors a task may lose before it counts as failed."""


class Cluster:
    """Restores with Ray; a context manager that connects when there is something to do, and lets go at its end.

    A worker is placed only where there are the cores, the GPU and the memory that its method needs.

    Args:
        workers: how many workers restore at a time; None for as many as the cluster has room for.
        address: of a running cluster; None to start Ray on this machine.
        gpus: of a GPU, how much a worker holds.
    """

    def __init__(self, workers: int | None, address: str | None, gpus: float) -> None:
        self.workers, self.address, self.gpus = workers, address, gpus
        self._ray: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._ray is not None:
            self._ray.shutdown()

    def restore_all(self, text: str, tasks: Iterable[Task], settings: Settings) -> Iterator[tuple[Task, Outcome]]:
        """Restore tasks, the longest first, with the method that a selection names; yield them as they end.

        Raises:
            Unavailable: when Ray is not installed, or there is no cluster at the address.
            UsageError: when no machine of the cluster has what a worker needs.
        """
        waiting = deque(sorted(tasks, key=_length, reverse=True))
        if not waiting:
            return
        if self._ray is None:
            self._ray = self._connect(settings)
        room = self.workers or int(self._ray.cluster_resources().get("CPU", 1) // settings.threads)
        pool = _WorkerPool(self._ray, self._kind(settings), text, settings, max(1, min(room, len(waiting))))
        try:
            yield from pool.work(waiting)
        finally:
            pool.stop()

    def _connect(self, settings: Settings) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray: Any = import_module("ray")
        except ImportError as error:
            raise Unavailable(
                "the ray executor needs the package ray", remedy="pip install 'glean-bench[ray]'"
            ) from error
        given: dict[str, Any] = {"address": self.address}
        if self.address is None:
            cores = max(os.cpu_count() or 1, (self.workers or 1) * settings.threads)
            given = {"address": "local", "num_cpus": cores, "include_dashboard": False}
        try:
            _check_reachable(self.address)
            ray.init(**given, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            remedy = "start one with `ray start --head`, or set RAY_AUTH_MODE=token if it asks for a token"
            raise Unavailable(f"no Ray cluster at {self.address}", got=error, remedy=remedy) from error
        return ray

    def _kind(self, settings: Settings) -> Any:
        """Return the remote class with what one of it needs; refuse what no machine has."""
        memory = settings.needs.memory_mb * 1e6
        needed = {"CPU": float(settings.threads), "GPU": self.gpus, "memory": memory}
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(all(machine.get(what, 0) >= much for what, much in needed.items()) for machine in machines):
            most = {what: max(machine.get(what, 0) for machine in machines) for what in needed}
            raise UsageError(
                "no machine of the cluster has what a worker needs",
                got=f"at most {_words(most)}",
                expected=_words(needed),
            )
        return self._ray.remote(num_cpus=settings.threads, num_gpus=self.gpus, memory=memory)(Restorer)


def _words(resources: Mapping[str, float]) -> str:
    return f"{resources['CPU']:g} cores, {resources['GPU']:g} GPUs and {resources['memory'] / 1e9:.1f} GB"


class _Running(NamedTuple):
    task: Task
    actor: Any


class _WorkerPool:
    """The actors of one method, each with one job at a time."""

    def __init__(self, ray: Any, kind: Any, text: str, settings: Settings, size: int) -> None:
        self._ray, self._kind, self._given = ray, kind, (text, settings)
        self._idle = [self._new() for _ in range(size)]
        self._running: dict[Any, _Running] = {}
        self._lost: dict[Task, int] = {}

    def _new(self) -> Any:
        return self._kind.remote(*self._given)

    def work(self, waiting: deque[Task]) -> Iterator[tuple[Task, Outcome]]:
        while waiting or self._running:
            while waiting and self._idle:
                task, actor = waiting.popleft(), self._idle.pop()
                self._running[actor.restore.remote(task.read())] = _Running(task, actor)
            ended, _ = self._ray.wait(list(self._running), num_returns=1)
            for reference in ended:
                task, actor = self._running.pop(reference)
                outcome = self._outcome(reference)
                self._idle.append(self._new() if outcome is None else actor)
                if outcome is None and self._has_another_life(task):
                    waiting.appendleft(task)
                else:
                    yield task, outcome or Outcome(Status.ERROR, f"{MAX_ATTEMPTS} workers were lost on it")

    def _outcome(self, reference: Any) -> Outcome | None:
        """Return what an actor answered, or None when it was lost."""
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            logging.getLogger(__name__).info("a worker was lost: %s", error)
            return None
        return outcome

    def _has_another_life(self, task: Task) -> bool:
        self._lost[task] = self._lost.get(task, 0) + 1
        return self._lost[task] < MAX_ATTEMPTS

    def stop(self) -> None:
        actors: Sequence[Any] = [*self._idle, *(running.actor for running in self._running.values())]
        for actor in actors:
            self._ray.kill(actor)


def _check_reachable(address: str | None) -> None:
    """Fail at once where nothing listens; Ray itself tries for two minutes."""
    host, _, port = (address or "").rpartition(":")
    if port.isdigit() and "//" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _length(task: Task) -> tuple[int, int]:
    """What tells how long a task takes: the pixels of its result, then those of its LR."""
    pixels = task.lr_size[0] * task.lr_size[1]
    return pixels * task.factor**2, pixels
