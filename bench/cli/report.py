"""`bench report`."""

from pathlib import Path
from typing import Annotated

import typer

import bench
from bench.cli.common import (
    MethodsShownOption,
    MetricsShownOption,
    QuotedOption,
    RunsArgument,
    open_runs,
    print_line,
)
from bench.registry.selection import split


def report(
    runs: RunsArgument = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the page; RUN/report by default.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Method that the others are tested against at first.")
    ] = None,
    methods: MethodsShownOption = None,
    metrics: MetricsShownOption = None,
    quoted: QuotedOption = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Write one file to send, with thumbnails only.")
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Draw tables, plots and image grids into a page that opens offline."""
    page = bench.report(
        open_runs(runs), out, baseline, methods=split(methods or []) or None, metrics=split(metrics or []) or None,
        quotes=quoted, is_single=single_file,
    )  # fmt: skip
    print_line(f"report: {page}")
    if open_it:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
