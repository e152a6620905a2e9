"""What goes to a worker and what comes back: settings, jobs, outcomes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from bench.base.errors import ImageError, one_line
from bench.base.types import Category, Needs, Pixels, Size
from bench.images.png import load_png
from bench.store.records import Status


class Settings(NamedTuple):
    """What all workers of one method share."""

    device: str
    """`cpu` or `cuda`."""
    threads: int
    timeout: float | None
    """Seconds a cell may take; None for no limit."""
    folder: str
    """The working directory of the worker: relative paths start there."""
    needs: Needs = Needs()
    """What a worker of the method must have."""


class Servant(Protocol):
    """What a worker process is: something loaded, which answers jobs and never raises."""

    def answer(self, job: Any) -> Any:
        """Return the answer."""
        ...


Role = Callable[[Settings], Servant]
"""Loads a servant, in whichever process; it must survive pickling."""


class Job(NamedTuple):
    """One image to restore, as a worker gets it."""

    lr: Pixels
    hr: Pixels | None
    """The ground truth, for a method that sees it; else None."""
    factor: int
    image: str
    seed: int
    category: Category
    references: tuple[Pixels, ...] = ()
    """Images beside the LR, for a method that sees them."""
    is_counted: bool = False
    """Whether operations are counted in this pass, which costs time."""


class Task(NamedTuple):
    """One image to restore, as the run knows it."""

    lr: Path
    lr_size: Size
    hr: Path | None
    factor: int
    image: str
    seed: int
    category: Category
    references: tuple[Path, ...] = ()
    is_counted: bool = False

    def read(self) -> Job:
        """Read the images from the run folder.

        Raises:
            ImageError: naming those that may be damaged, with the remedy.
        """
        try:
            hr = None if self.hr is None else load_png(self.hr)
            references = tuple(map(load_png, self.references))
            lr = load_png(self.lr)
        except Exception as error:  # what a damaged PNG raises is of many kinds
            files = " or ".join(str(path) for path in (self.lr, self.hr, *self.references) if path)
            remedy = "remove the damaged file and give the same command with --redo failed"
            raise ImageError(f"{files} cannot be read: {one_line(error)}", remedy=remedy) from error
        return Job(lr, hr, self.factor, self.image, self.seed, self.category, references, self.is_counted)


class Outcome(NamedTuple):
    """What became of a task."""

    status: Status
    reason: str | None = None
    pixels: Pixels | None = None
    costs: dict[str, float] = {}  # noqa: RUF012 (a NamedTuple's default is never changed)
    values: dict[str, float] = {}  # noqa: RUF012
    doubt: str | None = None
    """Why its seconds do not count as the method's time."""
