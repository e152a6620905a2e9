"""`bench report`: the page of one run or of several, with its tables, plots and pictures."""

from collections.abc import Sequence
from pathlib import Path

from bench.store.results import Run, open_run
from reports.data.comparison import Comparison
from reports.page.site import Site


def report(
    runs: Sequence[Run | str | Path],
    out: str | Path | None = None,
    baseline: str | None = None,
    *,
    methods: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    quotes: str | Path | None = None,
    is_single: bool = False,
) -> Path:
    """Draw the report of one or more runs.

    Args:
        runs: runs or their folders; where two hold the same cell, the first that is done counts.
        out: the folder to write; by default `report` in a run, `comparison` in the first of several.
        baseline: the label or title of the method that the others are tested against first; when None the first.
        methods: the labels or titles of those to compare, in this order; None for all.
        metrics: the names of those to compare by; None for all.
        quotes: a TOML file of rows quoted from papers.
        is_single: whether to write one file that holds everything, its pictures as thumbnails.

    Returns:
        The page, `index.html`, or `report.html` when it is a single file.

    Raises:
        bench.base.errors.UsageError: for no run, a name that none has, or quotes that are wrong.
    """
    comparison = Comparison(tuple(map(open_run, runs)), methods, metrics)
    folder = Path(out) if out else comparison.folder / ("report" if len(runs) == 1 else "comparison")
    first = None if baseline is None else comparison.labels_of([baseline])[0]
    return Site(comparison, folder.absolute(), first, quotes, is_single).write()
