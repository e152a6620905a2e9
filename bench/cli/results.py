"""`bench report`, `figure`, `compare`, `export` and `merge`: what is done with finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.base.errors import UsageError
from bench.cli.common import console, numbers, run_folder, show_table

if TYPE_CHECKING:
    from bench.store.results import Run
    from reports.figure import Crop


def report(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="The latest when none is named.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of the page; RUN/report if not given.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The method that others are tested against at first.")
    ] = None,
    quoted: Annotated[Path | None, typer.Option(help="A TOML file of rows quoted from papers.")] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One file to send, with thumbnails only.")
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Draw tables, plots and image grids into a page that opens offline."""
    from reports.report import report as build_report

    page = build_report(_runs(runs), out=out, baseline=baseline, quotes=quoted, is_single=single_file)
    console().print(f"report: {page}", markup=False)
    if open_it:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())


def figure(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="The latest when none is named.")
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="Names with commas; the first two of the category if not given.")
    ] = None,
    methods: Annotated[list[str] | None, typer.Option(help="A label; repeat, or use commas.")] = None,
    factor: Annotated[str | None, typer.Option(help="Factors with commas; all if not given.")] = None,
    category: Annotated[str | None, typer.Option(help="The first one if not given.")] = None,
    crop: Annotated[list[str] | None, typer.Option(help="X,Y,SIDE in HR pixels; repeat for several.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Names with commas.")] = None,
    width: Annotated[float, typer.Option(min=1, max=40, help="Of the figure, in inches.")] = 7.0,
    quoted: Annotated[Path | None, typer.Option(help="A TOML file of rows quoted from papers.")] = None,
    out: Annotated[Path, typer.Option(help="Its suffix does not matter.")] = Path("figure.pdf"),
) -> None:
    """Draw images by methods as a grid for a paper: PDF and PNG, and its table in LaTeX."""
    from bench.registry.selection import split
    from reports.figure import FigureOptions, draw

    figure_options = FigureOptions(
        images=split([images]) if images else None,
        methods=split(methods) if methods else None,
        factors=numbers(factor, "--factor") if factor else None,
        category=category,
        crops=[_crop(given) for given in crop or ()],
        metrics=split([metrics]) if metrics else None,
        width=width,
        quotes=quoted,
    )
    for path in draw(_runs(runs), out, figure_options):
        console().print(f"figure: {path}", markup=False)


def compare(
    old: Annotated[Path, typer.Argument(help="The run that came before.")],
    new: Annotated[Path, typer.Argument(help="The other one.")],
    every: Annotated[bool, typer.Option("--all", help="List what stayed the same too.")] = False,
) -> None:
    """Say what changed between two runs, and whether the change of a value is more than chance."""
    from bench.store.results import Run
    from reports.compare import Changes, as_row

    changes = Changes(Run(run_folder(old)), Run(run_folder(new)))
    for sentence in changes.sentences:
        console().print(sentence, markup=False)
    listed = [change for change in changes.values if every or not change.is_same]
    if listed:
        rows = [as_row(change) for change in listed]
        show_table("", list(rows[0]), [list(row.values()) for row in rows])
    verdicts = [change.test.verdict.value for change in changes.values if not change.is_same]
    told = [f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts)]
    total = len(changes.values)
    console().print(
        f"{len(verdicts)} of {total} means changed{': ' if told else ''}{', '.join(told)}", markup=False
    )


def _runs(paths: list[Path] | None) -> list[Run]:
    from bench.store.results import Run

    named: list[Path | None] = [*paths] if paths else [None]
    return [Run(run_folder(path)) for path in named]


def _crop(given: str) -> Crop:
    from reports.figure import Crop

    parts = given.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        raise UsageError("--crop", got=repr(given), expected="X,Y,SIDE in HR pixels")
    return Crop(*map(int, parts))


def export(
    to: Annotated[Path, typer.Option(help="A .csv, .parquet or .tex file.")],
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="The latest when not named.")] = None,
) -> None:
    """Write every value as one long table (.csv, .parquet), or the leaderboard as LaTeX (.tex)."""
    from bench.store.results import Run
    from reports.export import export as export_run

    export_run(Run(run_folder(run)), to)
    console().print(f"exported: {to}", markup=False)


def merge(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Runs of one protocol, seed and device kind.")
    ],
    out: Annotated[Path, typer.Option(help="The folder of the merged run.")],
) -> None:
    """Put the cells of several runs into one, as after working on several machines."""
    from bench.store.merge import merge as merge_runs

    counts = merge_runs(runs, out)
    console().print(f"merged {counts} cells into {out}", markup=False)
