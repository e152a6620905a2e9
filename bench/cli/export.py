"""`bench export`."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import RunArgument, open_runs, print_line


def export(
    to: Annotated[Path, typer.Option(help="File to write: .csv, .parquet or .tex.")], run: RunArgument = None
) -> None:
    """Write every value as one long table (.csv, .parquet), or the leaderboard as LaTeX (.tex)."""
    from reports.export import export as export_run

    export_run(open_runs([run] if run else None)[0], to)
    print_line(f"exported: {to}")
