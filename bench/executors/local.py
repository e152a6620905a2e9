"""The local executor: one spawned worker process, begun anew after each fault."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from contextlib import suppress

import psutil

from bench.executors import Job, Outcome, Settings, Task
from bench.executors.worker import READY, serve
from bench.store import Status

KILLED = -9


def restore_all(text: str, tasks: Iterable[Task], settings: Settings) -> Iterator[tuple[Task, Outcome]]:
    """Restore tasks in order with the method that a selection names."""
    restorer = Restorer(text, settings)
    try:
        for task in tasks:
            yield task, restorer.restore(task.read())
    finally:
        restorer.stop()


class Restorer:
    """One warm worker at a time, begun anew after each fault.

    A hang, a crash or an exit of the worker costs the cell it happened in and nothing else; a method that cannot
    be loaded costs all its cells. A worker that was killed from outside is given its cell once more.
    """

    def __init__(self, text: str, settings: Settings) -> None:
        self.text, self.settings = text, settings
        self._worker: LocalWorker | None = None

    def restore(self, job: Job) -> Outcome:
        """Return the outcome of one job, whatever happens to the worker."""
        outcome = self._ask(job)
        killed = self._worker is None and outcome.status is Status.OUT_OF_MEMORY
        return self._ask(job) if killed else outcome

    def _ask(self, job: Job) -> Outcome:
        self._worker = self._worker or LocalWorker(self.text, self.settings)
        outcome = self._worker.ask(job)
        if self._worker.is_dead:
            self.stop()
        return outcome

    def stop(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None


class LocalWorker:
    """The parent's end of one worker process."""

    def __init__(self, text: str, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self.settings, self.is_dead = settings, False
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, text, settings), daemon=True)
        self._process.start()
        theirs.close()
        self._problem = self._await_ready()

    def _await_ready(self) -> Outcome | None:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            return self._death_notice()
        return None if answer == READY else Outcome(Status.ERROR, answer)

    def ask(self, job: Job) -> Outcome:
        """Return the outcome of one job, whatever happens to the worker."""
        if self._problem:
            return self._problem
        try:
            self._connection.send(job)
            if not self._connection.poll(self.settings.timeout):
                return self._give_up()
            outcome: Outcome = self._connection.recv()
        except (EOFError, OSError):
            return self._death_notice()
        return outcome

    def _give_up(self) -> Outcome:
        self.is_dead = True
        return Outcome(Status.TIMEOUT, f"took longer than {self.settings.timeout:g} s")

    def _death_notice(self) -> Outcome:
        self.is_dead = True
        self._process.join(5)
        code = self._process.exitcode
        if code == KILLED:
            return Outcome(
                Status.OUT_OF_MEMORY, "the worker was killed (signal 9), as a system out of memory does"
            )
        return Outcome(Status.ERROR, f"the worker process ended by itself (exit code {code})")

    def stop(self) -> None:
        """End the worker now, and whatever it started."""
        children = _children(self._process.pid)
        self._connection.close()
        self._process.join(0.2)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def _children(pid: int | None) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []
