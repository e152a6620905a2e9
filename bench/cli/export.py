"""`bench export`."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import MethodsShownOption, MetricsShownOption, RunArgument, open_runs, print_line
from bench.registry.selection import split


def export(
    to: Annotated[Path, typer.Option(help="File to write: .csv, .parquet or .tex.")],
    run: RunArgument = None,
    methods: MethodsShownOption = None,
    metrics: MetricsShownOption = None,
) -> None:
    """Write every value as one long table (.csv, .parquet), or the leaderboard as LaTeX (.tex)."""
    from reports.export import export as export_run

    export_run(
        open_runs([run] if run else None)[0], to, split(methods or []) or None, split(metrics or []) or None
    )
    print_line(f"exported: {to}")
