"""How cells are restored: in worker processes, one method each, so that a fault costs one cell."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bench.contracts import Category, Pixels
from bench.store import Status


class Settings(NamedTuple):
    """What every worker of a run has in common."""

    device: str
    """`cpu` or `cuda`."""
    threads: int
    timeout: float | None
    """Seconds a cell may take; None for no limit."""


class Task(NamedTuple):
    """One image to restore."""

    lr: Path
    hr: Path | None
    """For a method that sees HR."""
    factor: int
    image: str
    seed: int
    category: Category


class Outcome(NamedTuple):
    """What became of a task."""

    status: Status
    reason: str | None = None
    pixels: Pixels | None = None
    costs: dict[str, float] = {}  # noqa: RUF012 (a NamedTuple's default is never changed)
    values: dict[str, float] = {}  # noqa: RUF012
