"""This machine's workers: processes, each replaced after a fault."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Self

import psutil

from bench.store.records import Status
from bench.workers import process_tree
from bench.workers.jobs import Outcome, Role, Settings
from bench.workers.pool import J, Pool
from bench.workers.serve import serve
from bench.workers.spawn import without_script

_KILLED = -9
LOADING = 1800.0
"""Seconds that loading may take beyond a job's time limit: weights may have to be downloaded."""


class Machine:
    """Makes pools of workers on this machine.

    Args:
        workers: how many work at a time, as far as the memory that is free has room; None for one.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is kept between pools."""

    def pool(self, role: Role, settings: Settings, jobs: int) -> Pool:
        """Return the workers for some jobs.

        Args:
            role: what each of them is.
            settings: of each.
            jobs: more workers than jobs are not made.
        """
        return Pool(lambda: LocalWorker(role, settings), self._size(settings, jobs))

    def scorers(self, role: Role, settings: Settings, jobs: int) -> Pool | Here:
        """As `pool`, for a role that no method's code can harm: a single one is this process."""
        size = self._size(settings, jobs)
        return Here(role, settings) if size == 1 else Pool(lambda: LocalWorker(role, settings), size)

    def _size(self, settings: Settings, jobs: int) -> int:
        room = int(psutil.virtual_memory().available / 1e6 // settings.needs.memory_mb)
        return max(1, min(self.workers or 1, jobs, room))


class Here:
    """One worker that is this process: nothing is started, and it works while the caller waits."""

    def __init__(self, role: Role, settings: Settings) -> None:
        self.role, self.settings = role, settings

    def __enter__(self) -> Self:
        import torch

        self._threads = torch.get_num_threads()
        return self

    def __exit__(self, *exception: object) -> None:
        import torch

        torch.set_num_threads(self._threads)

    def work_in_order(self, jobs: Iterable[J]) -> Iterator[tuple[J, Any]]:
        """Yield jobs with their answers."""
        servant = self.role(self.settings)
        for job in jobs:
            yield job, servant.answer(job)


class LocalWorker:
    """Keeps one process that answers jobs, and replaces it after each fault.

    A process that hangs, crashes or exits costs the job that it had and nothing else; a method that cannot be
    loaded costs all of them. A job that ran out of memory, or whose process was killed from outside, is tried once
    more in a fresh process: memory that earlier jobs left in use must not decide.
    """

    def __init__(self, role: Role, settings: Settings) -> None:
        self.role, self.settings = role, settings
        self._process: _Process | None = None
        self._is_busy = self._is_stopped = False
        self._changing = threading.Lock()  # a process is begun before a stop, which ends it, or not at all

    def answer(self, job: Any) -> Any:
        """Return the answer, or an outcome that says what became of the process."""
        answer = self._ask(job)
        was_killed = isinstance(answer, Outcome) and answer.status is Status.OUT_OF_MEMORY
        return self._ask(job) if was_killed and self._process is None else answer

    def _ask(self, job: Any) -> Any:
        with self._changing:
            if self._is_stopped:
                return Outcome(Status.ERROR, "the command was ended")
            process = self._process = self._process or _Process(self.role, self.settings)
            self._is_busy = True
        try:
            answer = process.ask(job)
        finally:
            with self._changing:
                self._is_busy = False
        if process.is_dead or self._is_stopped:
            self._end()
        return answer

    def stop(self) -> None:
        """End the process; a thread that waits for its answer ends it by itself when it is killed."""
        with self._changing:
            self._is_stopped = True
            if self._is_busy and self._process is not None:
                self._process.kill()
                return
        self._end()

    def _end(self) -> None:
        with self._changing:
            process, self._process = self._process, None
        if process is not None:
            process.stop()


class _Process:
    """The parent's end of one worker process."""

    def __init__(self, role: Role, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self.settings, self.is_dead = settings, False
        self._problem: Outcome | None = None
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, role, settings), daemon=True)
        with process_tree.tagged_env() as self._tag, without_script():
            self._process.start()
        theirs.close()
        self._is_ready = False

    def _await_ready(self) -> Outcome | None:
        limit = None if self.settings.timeout is None else self.settings.timeout + LOADING
        try:
            if not self._connection.poll(limit):
                return Outcome(Status.TIMEOUT, f"cannot be loaded: it took longer than {limit:g} s")
            problem: Outcome | None = self._connection.recv()
        except (EOFError, OSError):
            return self._death_notice()
        return problem

    def ask(self, job: Any) -> Any:
        """Return the answer to one job, whatever happens to the process."""
        if not self._is_ready:
            self._is_ready, self._problem = True, self._await_ready()
        if self._problem:
            return self._problem
        try:
            self._connection.send(job)
            if not self._connection.poll(self.settings.timeout):
                return self._give_up()
            answer = self._connection.recv()
        except (EOFError, OSError):
            return self._death_notice()
        self.is_dead = isinstance(answer, Outcome) and answer.status is Status.OUT_OF_MEMORY
        return answer

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

    def kill(self) -> None:
        """Kill the process: whoever waits for its answer is told at once."""
        self._process.kill()

    def stop(self) -> None:
        """End the process now, and whatever it started."""
        self._connection.close()
        self._process.join(0.2)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        process_tree.end(self._tag)
