"""Progress of a long command: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress
from rich.console import Console
from rich.markup import escape

Advance = Callable[[str], object]
"""Reports that one more step of a stage is finished, and how."""

_UNITS = ((86400, "days"), (3600, "h"), (60, "min"))


class Reporter:
    """Reports what happens on a console, or nowhere."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(quiet=True)

    def say(self, line: str) -> None:
        """Print one line as it is."""
        self.console.print(escape(line), highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Advance]:
        """Report a stage of `total` steps and the time it took; an empty stage is not mentioned."""
        if not total or self.console.quiet:
            yield lambda _: None
            return
        start = time.perf_counter()
        if self.console.is_terminal:
            with _bar(self.console) as bar:
                task = bar.add_task(escape(title), total=total, line="")
                yield lambda line: bar.update(task, advance=1, line=escape(line))
        else:
            self.say(f"{title}: {total}")
            yield _Lines(self, total).advance
        self.say(f"{title}: {total} in {time.perf_counter() - start:.1f} s")


class _Lines:
    """Plain lines, at most one a second: a log of a million values must stay readable."""

    def __init__(self, reporter: Reporter, total: int) -> None:
        self.reporter, self.total, self.finished, self.next = reporter, total, 0, 0.0
        self.first = 0.0
        """When the first step was finished: what comes before it, such as loading a network, comes once."""

    def advance(self, line: str) -> None:
        self.finished += 1
        now, pending = time.monotonic(), self.total - self.finished
        self.first = self.first or now
        if now >= self.next or not pending:
            rate = (now - self.first) / max(1, self.finished - 1)
            left = f", {_duration(rate * pending)} left" if rate and pending else ""
            self.reporter.say(f"  [{self.finished}/{self.total}{left}] {line}")
            self.next = now + 1


def _duration(seconds: float) -> str:
    """Return a time in the unit that a person would say it in."""
    unit, name = next(((unit, name) for unit, name in _UNITS if seconds >= 2 * unit), (1, "s"))
    return f"{seconds / unit:.0f} {name}"


def _bar(console: Console) -> progress.Progress:
    title, line = progress.TextColumn("{task.description}"), progress.TextColumn("{task.fields[line]}")
    times = progress.TimeElapsedColumn(), progress.TimeRemainingColumn()
    columns = (title, progress.BarColumn(), progress.MofNCompleteColumn(), *times, line)
    return progress.Progress(*columns, console=console)
