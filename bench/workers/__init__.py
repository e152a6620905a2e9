"""How cells are restored: in worker processes, one method each, so that a fault costs one cell.

`local` has one worker; `cluster` has as many as asked for, on one machine or many, by Ray. Both give a task to a
worker as pixels and get pixels back, so a worker needs no folder of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench.base.types import Category, Needs, Pixels, Size
from bench.images.png import load_png
from bench.store.store import Status


class Settings(NamedTuple):
    """What every worker of one method has in common."""

    device: str
    """`cpu` or `cuda`."""
    threads: int
    timeout: float | None
    """Seconds a cell may take; None for no limit."""
    folder: str
    """From where a method's relative paths are read."""
    needs: Needs = Needs()
    """What a worker of the method must have."""


class Job(NamedTuple):
    """One image to restore, as a worker gets it."""

    lr: Pixels
    hr: Pixels | None
    """For a method that sees HR."""
    factor: int
    image: str
    seed: int
    category: Category


class Task(NamedTuple):
    """One image to restore, as the run knows it."""

    lr: Path
    lr_size: Size
    hr: Path | None
    factor: int
    image: str
    seed: int
    category: Category

    def read(self) -> Job:
        """Read the images from the run folder."""
        hr = None if self.hr is None else load_png(self.hr)
        return Job(load_png(self.lr), hr, self.factor, self.image, self.seed, self.category)


class Outcome(NamedTuple):
    """What became of a task."""

    status: Status
    reason: str | None = None
    pixels: Pixels | None = None
    costs: dict[str, float] = {}  # noqa: RUF012 (a NamedTuple's default is never changed)
    values: dict[str, float] = {}  # noqa: RUF012


Executor = Callable[[str, Iterable[Task], Settings], Iterator[tuple[Task, Outcome]]]
"""Restores tasks with the method that a selection names; yields each with its outcome as soon as there is one."""
