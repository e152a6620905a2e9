"""Runs a method's code in the coordinating process and undoes whatever it changes there.

Restoring happens in workers; here a method is imported, built, and asked what it supports. Research code prints
when it is imported, changes the working directory, or sets torch's defaults; the scoring must not see that.
"""

import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def sandbox() -> Iterator[None]:
    """Send stdout to stderr while a method's code runs, and restore the process's settings afterwards."""
    import torch

    from bench.workers import determinism

    folder, generators = Path.cwd(), (random.getstate(), np.random.get_state(), torch.get_rng_state())
    threads, defaults = torch.get_num_threads(), determinism.Defaults()
    try:
        with _prints_to_stderr(), warnings.catch_warnings(), np.errstate():
            yield
    finally:
        os.chdir(folder)
        defaults.restore()
        random.setstate(generators[0])
        np.random.set_state(generators[1])
        torch.set_rng_state(generators[2])
        torch.set_num_threads(threads)


@contextmanager
def _prints_to_stderr() -> Iterator[None]:
    """Send what is written to stdout to stderr, that of libraries and child processes too."""
    if sys.stdout is None:  # `bench run >&-`
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
