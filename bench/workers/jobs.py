"""What goes to a worker and what comes back: settings, jobs, outcomes."""

from pathlib import Path
from typing import NamedTuple

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
        """Read the images from the run folder."""
        hr = None if self.hr is None else load_png(self.hr)
        references = tuple(map(load_png, self.references))
        about = (self.factor, self.image, self.seed, self.category, references, self.is_counted)
        return Job(load_png(self.lr), hr, *about)


class Outcome(NamedTuple):
    """What became of a task."""

    status: Status
    reason: str | None = None
    pixels: Pixels | None = None
    costs: dict[str, float] = {}  # noqa: RUF012 (a NamedTuple's default is never changed)
    values: dict[str, float] = {}  # noqa: RUF012
    doubt: str | None = None
    """Why its seconds do not count as the method's time."""
