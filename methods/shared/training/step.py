"""Where a training stands: what everything random in it follows from."""

from typing import NamedTuple


class Step(NamedTuple):
    """The next step of one process."""

    number: int
    """Steps before it, all stages together."""
    images: int
    """Images that all processes have drawn before it."""
    process: int = 0
    processes: int = 1
