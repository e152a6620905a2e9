"""How long inputs are made for: a moment in the ordinary suite, or FUZZ_MINUTES a reader family (`make fuzz`)."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy

from tests.fuzz.child import Broken, Child, Job

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
ROUND = 100
COMMON = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": False,
    "verbosity": Verbosity.quiet,
}

Check = Callable[[Job, str, str], None]


@pytest.fixture(scope="module" if MINUTES else "session")
def child() -> Iterator[Child]:
    """The process that reads the inputs: one for all modules, or one each where their figures are told."""
    one = Child()
    begin = time.monotonic()
    yield one
    one.close()
    if MINUTES:
        told = ", ".join(f"{name} {count}" for name, count in sorted(one.counts.items()))
        minutes = (time.monotonic() - begin) / 60
        print(f"\nfuzzed {minutes:.1f} min, {one.counts.total()} inputs, slowest {one.slowest:.1f} s: {told}")  # noqa: T201


@pytest.fixture
def explore(request: pytest.FixtureRequest, child: Child) -> Callable[..., None]:
    """Return what sends the inputs of a strategy to the worker: `explore(jobs, examples, check)`.

    In the ordinary suite they are the same ones each time. With FUZZ_MINUTES the tests of a module share that
    time, each draws anew until its share is over, and a failing input is kept in the corpus.
    """
    sharing = [item for item in request.session.items if item.path == request.node.path]
    seconds = 60 * MINUTES / sum("explore" in item.fixturenames for item in sharing)

    def explored(jobs: SearchStrategy[Job], examples: int, check: Check | None = None) -> None:
        failed: list[tuple[Job, str]] = []

        def one(job: Job) -> None:
            if MINUTES and not failed and time.monotonic() > end:
                return
            try:
                kind, told = child.run(job)
                if check is not None:
                    check(job, kind, told)
            except AssertionError as error:
                failed.append((job, str(error)))
                raise Broken(str(error)) from None

        phases = (Phase.generate, Phase.shrink) if MINUTES else (Phase.generate,)
        end, number = time.monotonic() + seconds, 0
        while number == 0 or time.monotonic() < end:
            number += 1
            how = settings(
                **COMMON, max_examples=ROUND if MINUTES else examples, derandomize=not MINUTES, phases=phases
            )
            run = how(given(jobs)(one))
            try:
                warnings.simplefilter("ignore", HypothesisWarning)  # of inputs that are long on purpose
                (seed(time.time_ns())(run) if MINUTES else run)()
            except Broken:
                if MINUTES:
                    job, told = failed[-1]
                    job.save(told[-600:])
                raise

    return explored
