"""`bench export`."""

from pathlib import Path
from typing import Annotated

import typer

import bench
from bench.cli.common import MethodsShownOption, MetricsShownOption, RunArgument, open_runs, print_line
from bench.registry.selection import split


def export(
    to: Annotated[Path, typer.Option(help="File to write: .csv, .parquet or .tex.")],
    run: RunArgument = None,
    methods: MethodsShownOption = None,
    metrics: MetricsShownOption = None,
) -> None:
    """Write every value as one long table (.csv, .parquet), or the leaderboard as LaTeX (.tex)."""
    exported = open_runs([run] if run else None)[0]
    bench.export(exported, to, split(methods or []) or None, split(metrics or []) or None)
    print_line(f"exported: {exported.path} to {to}")
