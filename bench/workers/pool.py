"""Workers of one kind, each with one job at a time: one queue for workers here and on other machines alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import LifoQueue
from typing import Any, Protocol, Self, TypeVar

J = TypeVar("J")
_Running = dict[Future[Any], J]


class Handle(Protocol):
    """This end of a worker; it answers every job, also where the worker is lost."""

    def answer(self, job: Any) -> Any:
        """Return the answer, however long that takes."""
        ...

    def stop(self) -> None:
        """End it now, also while it answers."""
        ...


class Pool:
    """Some workers; a context manager that ends them.

    Args:
        new_worker: makes one; what it stands for may begin with its first job.
        size: how many there are.
    """

    def __init__(self, new_worker: Callable[[], Handle], size: int) -> None:
        self.size = size
        self._workers = [new_worker() for _ in range(size)]
        self._idle: LifoQueue[Handle] = LifoQueue()  # one job after the other is one warm worker's
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown()

    def ask(self, job: Any) -> Any:
        """Return the answer to one job."""
        worker = self._idle.get()
        try:
            return worker.answer(job)
        finally:
            self._idle.put(worker)

    def work(self, jobs: Iterable[J]) -> Iterator[tuple[J, Any]]:
        """Yield jobs with their answers as they end; the workers go on while the caller does what follows.

        At most two jobs a worker are under way, so what is lost with this process is little.
        """
        return self._work(jobs, lambda running: wait(running, return_when=FIRST_COMPLETED).done)

    def work_in_order(self, jobs: Iterable[J]) -> Iterator[tuple[J, Any]]:
        """As `work`, but in the order of the jobs."""
        return self._work(jobs, lambda running: wait([next(iter(running))]).done)

    def _work(
        self, jobs: Iterable[J], await_some: Callable[[_Running[J]], set[Future[Any]]]
    ) -> Iterator[tuple[J, Any]]:
        running: _Running[J] = {}
        for job in jobs:
            running[self._threads.submit(self.ask, job)] = job
            if len(running) == 2 * self.size:
                yield from _ended(running, await_some(running))
        while running:
            yield from _ended(running, await_some(running))


def _ended(running: _Running[J], done: set[Future[Any]]) -> Iterator[tuple[J, Any]]:
    for future in [future for future in running if future in done]:
        yield running.pop(future), future.result()
