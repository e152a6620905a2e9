"""The Ray executor: as many workers as asked for, on this machine or on every machine of a cluster.

Each Ray actor keeps one worker process of the local executor, so faults, time limits and peak memory mean the same
everywhere. Jobs and results travel as pixels; the one process that writes the run gets them all.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, Self

from bench.base.errors import ImageError, Unavailable, UsageError
from bench.store.records import Status
from bench.workers.jobs import Outcome, Role, Settings
from bench.workers.local import LocalWorker
from bench.workers.pool import Pool

_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""What the user may say otherwise. Ray's workers would yield to every other process of the machine (niceness 15):
their times were longer than those of local ones, and beside busy processes they got no further."""
_MAX_ATTEMPTS = 2
"""How often a job is tried whose actor is lost."""


class Cluster:
    """Makes pools of Ray actors; a context manager that connects when there is work, and disconnects at its end.

    A worker is placed only where there are the cores, the GPU and the memory that its method needs.

    Args:
        workers: how many work at a time, as far as the cluster has room; None for as many as it has room for.
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

    def pool(self, role: Role, settings: Settings, jobs: int) -> Pool:
        """Return the workers for some jobs.

        Raises:
            Unavailable: when Ray is not installed, or there is no cluster at the address.
            UsageError: when no machine of the cluster has what a worker needs.
        """
        if self._ray is None:
            self._ray = self._connect(settings)
        memory = settings.needs.memory_mb * 1e6
        needed = {"CPU": float(settings.threads), "GPU": self.gpus, "memory": memory}
        room = self._room(needed)
        actor = self._ray.remote(num_cpus=settings.threads, num_gpus=self.gpus, memory=memory)(LocalWorker)
        new_actor = partial(actor.remote, role, settings)
        return Pool(lambda: _Actor(self._ray, new_actor), min(self.workers or room, room, jobs))

    scorers = pool

    def _connect(self, settings: Settings) -> Any:
        for variable, value in _ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
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

    def _room(self, needed: Mapping[str, float]) -> int:
        """Return how many workers the machines have room for; refuse what none of them has."""
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        limits = [(name, amount) for name, amount in needed.items() if amount]
        room = sum(min(int(machine.get(name, 0) // amount) for name, amount in limits) for machine in machines)
        if not room:
            most = {name: max(machine.get(name, 0) for machine in machines) for name in needed}
            what = "no machine of the cluster has what a worker needs"
            raise UsageError(what, got=f"at most {_words(most)}", expected=_words(needed))
        return room


def _words(resources: Mapping[str, float]) -> str:
    return f"{resources['CPU']:g} cores, {resources['GPU']:g} GPUs and {resources['memory'] / 1e9:.1f} GB"


class _Actor:
    """This end of one actor, replaced when it is lost."""

    def __init__(self, ray: Any, new_actor: Callable[[], Any]) -> None:
        self._ray, self._new_actor = ray, new_actor
        self._actor = new_actor()
        self._is_stopped = False
        self._replacing = (
            threading.Lock()
        )  # an actor is replaced before a stop, which ends the new one, or not at all

    def answer(self, job: Any) -> Any:
        """Return the answer to a job, whose images are read here; one whose actor is lost is tried once more."""
        try:
            read = job.read()
        except ImageError as error:
            return Outcome(Status.ERROR, str(error))
        for _ in range(_MAX_ATTEMPTS):
            try:
                return self._ray.get(self._actor.answer.remote(read))
            except self._ray.exceptions.RayError as error:
                logging.getLogger(__name__).info("a worker was lost: %s", error)
            with self._replacing:
                if self._is_stopped:
                    break
                self._actor = self._new_actor()
        return Outcome(Status.ERROR, f"{_MAX_ATTEMPTS} workers were lost on it")

    def stop(self) -> None:
        """End the actor, also while it answers."""
        with self._replacing:
            self._is_stopped = True
        self._ray.kill(self._actor)


def _check_reachable(address: str | None) -> None:
    """Fail at once where nothing listens; Ray itself tries for two minutes."""
    host, _, port = (address or "").rpartition(":")
    if port.isdigit() and "//" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()
