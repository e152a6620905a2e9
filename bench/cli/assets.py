"""`bench prepare` and `bench doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.common import console
from bench.selection import split


def prepare(
    methods: Annotated[list[str] | None, typer.Option("--methods", help="Whose files to fetch.")] = None,
    category: Annotated[list[str] | None, typer.Option("--category", help="Whose files to fetch.")] = None,
    metrics: Annotated[list[str] | None, typer.Option("--metrics", help="Whose files to fetch.")] = None,
) -> None:
    """Fetch every file that methods, categories and metrics need; afterwards nothing asks the network."""
    from bench.doctor import needs
    from bench.progress import Reporter

    wanted = needs(split(methods or []), split(category or []), split(metrics or []))
    reporter = Reporter(console())
    failed = [need for need in wanted if not need.fetch(reporter)]
    if failed:
        reporter.say(
            f"{len(failed)} of {len(wanted)} files could not be fetched; `bench doctor` says what each is for"
        )
        raise typer.Exit(1)


def doctor() -> None:
    """Say what is here, what is missing and what it would take."""
    from bench.doctor import diagnose
    from bench.progress import Reporter

    reporter = Reporter(console())
    for line in diagnose():
        reporter.say(line)
