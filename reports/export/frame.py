"""`bench export`: every value of a run as one long table, or its leaderboards as LaTeX."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench.base.errors import UsageError
from bench.base.files import write_atomically
from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.leaderboard import Tables
from reports.data.scores import Scores
from reports.export import tables as writers

COLUMNS = ["method", "category", "factor", "image", "metric", "value", "signature", "status", "reason"]


def export(run: Run, path: Path) -> None:
    """Write a run's values to a file whose suffix says how.

    `.csv` and `.parquet` hold one row a value (and one a cell without any) at full precision, with a column
    `repeat` when cells were restored more than once; `.tex` holds the leaderboards with `booktabs` rules.

    Raises:
        bench.base.errors.UsageError: for any other suffix.
    """
    comparison = Comparison((run,))
    match path.suffix.lower():
        case ".csv":
            content = long_table(comparison.frame).to_csv(index=False, lineterminator="\n")
            write_atomically(path, content.encode(errors="replace"))
        case ".parquet":
            write_atomically(path, long_table(comparison.frame).to_parquet(index=False))
        case ".tex":
            tables = Tables(comparison, Scores(comparison))
            write_atomically(path, writers.as_tex([*tables.boards, *tables.overall]).encode())
        case suffix:
            raise UsageError(
                f"{path} cannot be exported", got=suffix or "no suffix", expected=".csv, .parquet or .tex"
            )


def long_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the exported columns of `Run.frame`."""
    repeated = bool((frame["repeat"].fillna(0) > 0).any())
    return frame[[*COLUMNS[:4], *(["repeat"] if repeated else []), *COLUMNS[4:]]]
