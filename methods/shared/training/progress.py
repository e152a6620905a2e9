"""How a training shows its progress: a bar on a terminal, a line now and then elsewhere."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from methods.shared.training.recipe import Stage
from methods.shared.training.stopwatch import Stopwatch

log = logging.getLogger(__name__)

LINE_SECONDS = 30


class ProgressReporter:
    """Reports how far one stage is, how fast it goes and what the losses are."""

    def __init__(self, stage: Stage, processes: int, bar: Progress | None) -> None:
        self._stage, self._images, self._bar = stage, stage.batch * processes, bar
        self._task = bar.add_task(stage.name, total=stage.steps, values="") if bar else None
        self._start = self._last_line = time.monotonic()
        self._steps = 0

    def advance(self, step: int, losses: dict[str, float], stopwatch: Stopwatch) -> None:
        """Report that one more step is finished, `step` of the stage in all, and what its parts take."""
        self._steps += 1
        now = time.monotonic()
        pace = (now - self._start) / self._steps
        terms = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
        values = f"{self._images / pace:.2f} images/s  {terms}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=step, values=values)
        elif now - self._last_line > LINE_SECONDS or step == self._stage.steps:
            self._last_line = now
            left = pace * (self._stage.steps - step) / 60
            shares = "  ".join(f"{part} {share:.0%}" for part, share in stopwatch.shares().items())
            log.info("%s %d/%d  %.0f min left  %s", self._stage.name, step, self._stage.steps, left, values)
            log.info("time: %s", shares)


@contextmanager
def reporting(stage: Stage, processes: int, *, quiet: bool) -> Iterator[ProgressReporter]:
    """Report a stage; a process that is not the main one reports nothing on the terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield ProgressReporter(stage, processes, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[values]}"), console=console) as bar:
        yield ProgressReporter(stage, processes, bar)
