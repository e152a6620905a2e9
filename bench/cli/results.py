"""`bench report`, `bench export` and `bench merge`: what is done with finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import console, run_folder


def report(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="The latest when none is named.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of the page; RUN/report if not given.")] = None,
    baseline: Annotated[str | None, typer.Option(help="The method that others are tested against.")] = None,
) -> None:
    """Draw tables, plots and image grids into a page that opens offline."""
    import reports
    from bench.results import Run

    named: list[Path | None] = [*runs] if runs else [None]
    page = reports.build([Run(run_folder(path)) for path in named], out=out, baseline=baseline)
    console().print(f"report: {page}", markup=False)


def export(
    to: Annotated[Path, typer.Option(help="A .csv, .parquet or .tex file.")],
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="The latest when not named.")] = None,
) -> None:
    """Write every value as one long table (.csv, .parquet), or the leaderboard as LaTeX (.tex)."""
    import reports
    from bench.results import Run

    reports.export(Run(run_folder(run)), to)
    console().print(f"exported: {to}", markup=False)


def merge(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Runs of one protocol, seed and device kind.")
    ],
    out: Annotated[Path, typer.Option(help="The folder of the merged run.")],
) -> None:
    """Put the cells of several runs into one, as after working on several machines."""
    from bench.merge import merge as merge_runs

    counts = merge_runs(runs, out)
    console().print(f"merged {counts} cells into {out}", markup=False)
