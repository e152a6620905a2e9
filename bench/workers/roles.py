"""What a worker can be. A role names its class and imports it, with torch, only where it serves.

So neither a command that starts workers nor a Ray actor that keeps one imports it for them.
"""

from collections.abc import Sequence
from functools import partial

from bench.workers.jobs import Role, Servant, Settings


def restorer(text: str) -> Role:
    """Return the role of a worker that restores by the method that a text selects."""
    return partial(_restorer, text)


def scorer(metrics: Sequence[str]) -> Role:
    """Return the role of a worker that measures by some metrics."""
    return partial(_scorer, metrics)


def _restorer(text: str, settings: Settings) -> Servant:
    from bench.workers.worker import Worker

    return Worker(text, settings)


def _scorer(metrics: Sequence[str], settings: Settings) -> Servant:
    from bench.workers.scorer import Scorer

    return Scorer(metrics, settings)
