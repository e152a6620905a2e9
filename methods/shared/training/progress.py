"""What a training says while it runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from methods.shared.training.recipe import Stage

log = logging.getLogger(__name__)

LINE_SECONDS = 30


class Teller:
    """Says how far one stage is, how fast it goes and what the losses are."""

    def __init__(self, stage: Stage, processes: int, bar: Progress | None) -> None:
        self._stage, self._images, self._bar = stage, stage.batch * processes, bar
        self._task = bar.add_task(stage.name, total=stage.steps, about="") if bar else None
        self._begun = self._told = time.monotonic()
        self._done = 0

    def step(self, step: int, values: dict[str, float]) -> None:
        """Say that one more step is done, `step` of the stage in all."""
        self._done += 1
        now = time.monotonic()
        pace = (now - self._begun) / self._done
        terms = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        about = f"{self._images / pace:.2f} images/s  {terms}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=step, about=about)
        elif now - self._told > LINE_SECONDS or step == self._stage.steps:
            self._told = now
            left = pace * (self._stage.steps - step) / 60
            log.info("%s %d/%d  %.0f min left  %s", self._stage.name, step, self._stage.steps, left, about)


@contextmanager
def telling(stage: Stage, processes: int, *, quiet: bool) -> Iterator[Teller]:
    """Report a stage; a process that is not the main one says nothing."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Teller(stage, processes, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[about]}"), console=console) as bar:
        yield Teller(stage, processes, bar)
