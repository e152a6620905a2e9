"""The local executor: one worker process, replaced after each fault."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator

from bench.base.errors import one_line
from bench.store.records import Status
from bench.workers import process_tree
from bench.workers.jobs import Job, Outcome, Settings, Task
from bench.workers.worker import serve

_KILLED = -9
LOADING = 1800.0
"""Seconds that loading may take beyond a cell's time limit: weights may have to be downloaded."""


def restore_all(text: str, tasks: Iterable[Task], settings: Settings) -> Iterator[tuple[Task, Outcome]]:
    """Restore tasks in order with the method that a selection names."""
    restorer = Restorer(text, settings)
    try:
        for task in tasks:
            yield task, _restored(restorer, task)
    finally:
        restorer.stop()


def _restored(restorer: Restorer, task: Task) -> Outcome:
    try:
        job = task.read()
    except Exception as error:  # what a damaged PNG raises is of many kinds
        files = " or ".join(str(path) for path in (task.lr, task.hr, *task.references) if path)
        remedy = "remove the damaged file and give the same command with --redo failed"
        return Outcome(Status.ERROR, f"{files} cannot be read: {one_line(error)}; {remedy}")
    return restorer.restore(job)


class Restorer:
    """Keeps one loaded worker, and replaces it after each fault.

    A worker that hangs, crashes or exits costs the cell it was restoring and nothing else; a method that cannot be
    loaded costs all its cells. A cell that ran out of memory, or whose worker was killed from outside, is tried
    once more in a fresh worker: memory that earlier cells left in use must not decide.
    """

    def __init__(self, text: str, settings: Settings) -> None:
        self.text, self.settings = text, settings
        self._worker: _LocalWorker | None = None

    def restore(self, job: Job) -> Outcome:
        """Return the outcome of one job, whatever happens to the worker."""
        outcome = self._ask(job)
        killed = self._worker is None and outcome.status is Status.OUT_OF_MEMORY
        return self._ask(job) if killed else outcome

    def _ask(self, job: Job) -> Outcome:
        self._worker = self._worker or _LocalWorker(self.text, self.settings)
        outcome = self._worker.ask(job)
        if self._worker.is_dead:
            self.stop()
        return outcome

    def stop(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None


class _LocalWorker:
    """The parent's end of one worker process."""

    def __init__(self, text: str, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self.settings, self.is_dead = settings, False
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, text, settings), daemon=True)
        with process_tree.tagged_env() as self._tag:
            self._process.start()
        theirs.close()
        self._problem = self._await_ready()

    def _await_ready(self) -> Outcome | None:
        limit = None if self.settings.timeout is None else self.settings.timeout + LOADING
        try:
            if not self._connection.poll(limit):
                return Outcome(Status.TIMEOUT, f"cannot be loaded: it took longer than {limit:g} s")
            problem: Outcome | None = self._connection.recv()
        except (EOFError, OSError):
            return self._death_notice()
        return problem

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
        self.is_dead = outcome.status is Status.OUT_OF_MEMORY
        return outcome

    def _give_up(self) -> Outcome:
        self.is_dead = True
        return Outcome(Status.TIMEOUT, f"took longer than {self.settings.timeout:g} s")

    def _death_notice(self) -> Outcome:
        self.is_dead = True
        self._process.join(5)
        code = self._process.exitcode
        if code == _KILLED:
            return Outcome(
                Status.OUT_OF_MEMORY, "the worker was killed (signal 9), as a system out of memory does"
            )
        return Outcome(Status.ERROR, f"the worker process ended by itself (exit code {code})")

    def stop(self) -> None:
        """End the worker now, and whatever it started."""
        self._connection.close()
        self._process.join(0.2)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        process_tree.end(self._tag)
