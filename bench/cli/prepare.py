"""`bench prepare`."""

from typing import Annotated

import typer

from bench.cli.common import console
from bench.registry.selection import split


def prepare(
    methods: Annotated[list[str], typer.Option("--methods", help="Fetch the files of these methods.")] = [],
    category: Annotated[list[str], typer.Option("--category", help="Fetch the files of these categories.")] = [],
    metrics: Annotated[list[str], typer.Option("--metrics", help="Fetch the files of these metrics.")] = [],
) -> None:
    """Fetch every file that methods, categories and metrics need; later commands need no network."""
    from bench.authoring.prepare import needs
    from bench.authoring.prepare import prepare as fetch_all
    from bench.base.progress import Reporter

    reporter = Reporter(console())
    needed = needs(split(methods), split(category), split(metrics))
    if missing := fetch_all(needed, reporter):
        counts = f"{len(missing)} of {len(needed)}"
        reporter.say(f"{counts} files could not be fetched; `bench doctor` says what each is for")
        raise typer.Exit(1)
