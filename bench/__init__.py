"""Large-factor image super-resolution, compared fairly: restore, score, report."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

try:
    __version__ = version("glean-bench")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__", "read_results"]


def read_results(run: str | Path) -> pd.DataFrame:
    """Read every value of a run as one long frame: one row a method, category, factor, image and metric."""
    from bench.store.results import Run

    return Run(run).frame
