"""The Ray executor: as many workers as asked for, on this machine or on every machine of a cluster.

Each Ray actor keeps one worker process of the local executor, so faults, time limits and peak memory mean the same
everywhere. Jobs and results travel as pixels; the one process that writes the run gets them all.
"""

import logging
import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Self

from bench.base.errors import Unavailable, UsageError
from bench.store.records import Status
from bench.workers.jobs import Outcome, Settings, Task
from bench.workers.local import Restorer

_MAX_ATTEMPTS = 2
"""How often a task is tried whose worker is lost."""


class Cluster:
    """Restores with Ray; a context manager that connects when there is work to do, and disconnects at its end.

    A worker is placed only where there are the cores, the GPU and the memory that its method needs.

    Args:
        workers: how many workers restore at a time; None for as many as the cluster has room for.
        address: of a running cluster; None to start Ray on this machine.
        gpus: the share of a GPU that a worker holds.
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
        new_worker = partial(self._actor_class(settings).remote, text, settings)
        pool = _WorkerPool(self._ray, new_worker, max(1, min(room, len(waiting))))
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
        where: dict[str, Any] = {"address": self.address}
        if self.address is None:
            cores = max(os.cpu_count() or 1, (self.workers or 1) * settings.threads)
            where = {"address": "local", "num_cpus": cores, "include_dashboard": False}
        try:
            _check_reachable(self.address)
            ray.init(**where, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            remedy = "start one with `ray start --head`, or set RAY_AUTH_MODE=token if it asks for a token"
            raise Unavailable(f"no Ray cluster at {self.address}", got=error, remedy=remedy) from error
        return ray

    def _actor_class(self, settings: Settings) -> Any:
        """Return the class of a worker with the resources that it needs; refuse what no machine has."""
        memory = settings.needs.memory_mb * 1e6
        needed = {"CPU": float(settings.threads), "GPU": self.gpus, "memory": memory}
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(all(machine.get(name, 0) >= amount for name, amount in needed.items()) for machine in machines):
            most = {name: max(machine.get(name, 0) for machine in machines) for name in needed}
            what = "no machine of the cluster has what a worker needs"
            raise UsageError(what, got=f"at most {_words(most)}", expected=_words(needed))
        return self._ray.remote(num_cpus=settings.threads, num_gpus=self.gpus, memory=memory)(Restorer)


def _words(resources: Mapping[str, float]) -> str:
    return f"{resources['CPU']:g} cores, {resources['GPU']:g} GPUs and {resources['memory'] / 1e9:.1f} GB"


class _WorkerPool:
    """The workers of one method, each with one job at a time."""

    def __init__(self, ray: Any, new_worker: Callable[[], Any], size: int) -> None:
        self._ray, self._new_worker = ray, new_worker
        self._idle = [new_worker() for _ in range(size)]
        self._running: dict[Any, tuple[Task, Any]] = {}
        self._attempts: Counter[Task] = Counter()

    def work(self, waiting: deque[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Restore tasks and yield each as it ends; one whose worker is lost is tried again at once."""
        while waiting or self._running:
            while waiting and self._idle:
                task, actor = waiting.popleft(), self._idle.pop()
                self._running[actor.restore.remote(task.read())] = task, actor
            ended, _ = self._ray.wait(list(self._running), num_returns=1)
            for reference in ended:
                task, actor = self._running.pop(reference)
                outcome = self._outcome(reference)
                self._attempts[task] += 1
                self._idle.append(self._new_worker() if outcome is None else actor)
                if outcome is None and self._attempts[task] < _MAX_ATTEMPTS:
                    waiting.appendleft(task)
                else:
                    yield task, outcome or Outcome(Status.ERROR, f"{_MAX_ATTEMPTS} workers were lost on it")

    def _outcome(self, reference: Any) -> Outcome | None:
        """Return what an actor answered, or None when it was lost."""
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            logging.getLogger(__name__).info("a worker was lost: %s", error)
            return None
        return outcome

    def stop(self) -> None:
        """End all workers."""
        actors: Sequence[Any] = [*self._idle, *(actor for _, actor in self._running.values())]
        for actor in actors:
            self._ray.kill(actor)


def _check_reachable(address: str | None) -> None:
    """Fail at once where nothing listens; Ray itself tries for two minutes."""
    host, _, port = (address or "").rpartition(":")
    if port.isdigit() and "//" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _length(task: Task) -> tuple[int, int]:
    """Order tasks by how long they take: by the pixels of the result, then of the LR."""
    pixels = task.lr_size[0] * task.lr_size[1]
    return pixels * task.factor**2, pixels
