"""What a run tells, to be compared with what another tells: its tables, its report's numbers and its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.leaderboard import Leaderboards
from reports.data.scores import Scores
from reports.data.significance import Significance

KEY = ["method", "category", "factor", "image", "repeat"]
COSTS = {"seconds", "peak_memory_mb", "parameters_m", "gmacs"}


def table(run: Path) -> pd.DataFrame:
    """Return what export writes, by what names it: values and how each cell ended, but for costs and for reasons.

    A reason may name the path of an image.
    """
    frame = Run(run).frame
    states = (
        frame[frame["image"].notna()].drop_duplicates(KEY).assign(metric="state", value=np.nan, signature=None)
    )
    values = frame[frame["metric"].notna() & ~frame["metric"].isin(COSTS)]
    return pd.concat([values, states]).set_index([*KEY, "metric"]).sort_index()[["value", "signature", "status"]]


def printed(run: Path) -> list[object]:
    """Return the numbers of the report's leaderboards."""
    comparison = Comparison((Run(run),))
    boards = sorted(Leaderboards(Significance(Scores(comparison))).every, key=lambda board: board.where)
    return [
        (board.where, row.method.label, row.done, row.total, cell.metric.name, cell.value, cell.estimate.n)
        for board in boards
        for row in sorted(board.rows, key=lambda row: row.method.label)
        for cell in row.cells
        if cell.metric.scope != "cost"
    ]


def pictures(run: Path) -> dict[str, bytes]:
    """Return every picture of a run."""
    return {str(path.relative_to(run)): path.read_bytes() for path in run.glob("[hls]r/**/*.png")}


def cells(frame: pd.DataFrame) -> set[object]:
    """Return the cells of a table, restored or not."""
    return {key[:-1] for key in frame.index if key[-1] == "state"}


def assert_equal(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)
