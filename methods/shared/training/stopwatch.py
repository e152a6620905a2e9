"""What the parts of a training's step take."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the seconds of named parts; the time of a part inside another one counts for the inner alone."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = []

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        self._open.append(part)
        try:
            yield
        finally:
            self._open.pop()
            passed = time.monotonic() - started
            self.seconds[part] += passed
            if self._open:
                self.seconds[self._open[-1]] -= passed

    def shares(self) -> dict[str, float]:
        """Return the share of each part since this was last asked, largest first."""
        whole = sum(self.seconds.values()) or 1.0
        shares = {part: seconds / whole for part, seconds in self.seconds.items()}
        self.seconds.clear()
        return dict(sorted(shares.items(), key=lambda item: -item[1]))
