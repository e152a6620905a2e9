"""`bench prepare` and `bench doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.common import console
from bench.registry.selection import split

if TYPE_CHECKING:
    from bench.base.progress import Reporter


def prepare(
    methods: Annotated[list[str] | None, typer.Option("--methods", help="Whose files to fetch.")] = None,
    category: Annotated[list[str] | None, typer.Option("--category", help="Whose files to fetch.")] = None,
    metrics: Annotated[list[str] | None, typer.Option("--metrics", help="Whose files to fetch.")] = None,
) -> None:
    """Fetch every file that methods, categories and metrics need; afterwards nothing asks the network."""
    from bench.authoring.doctor import needs
    from bench.base.progress import Reporter

    wanted = needs(split(methods or []), split(category or []), split(metrics or []))
    reporter = Reporter(console())
    failed = [need for need in wanted if not need.fetch(reporter)]
    if failed:
        reporter.say(
            f"{len(failed)} of {len(wanted)} files could not be fetched; `bench doctor` says what each is for"
        )
        raise typer.Exit(1)


def doctor(
    verify: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Hash and score a run again, and name what differs.")
    ] = None,
) -> None:
    """Say what is here, what is missing and what it would take; or whether a run is still what it was."""
    from bench.base.progress import Reporter

    reporter = Reporter(console())
    if verify is not None:
        _verify(verify, reporter)
        return
    from bench.authoring.doctor import diagnose

    for line in diagnose():
        reporter.say(line)


def _verify(folder: Path, reporter: Reporter) -> None:
    from bench.pipeline.verify import verify
    from bench.store.results import Run

    problems = 0
    for problems, sentence in enumerate(verify(Run(folder), reporter), 1):  # noqa: B007 (the last number counts)
        reporter.say(sentence)
    reporter.say(f"{folder}: {problems} files or values differ" if problems else f"{folder}: nothing differs")
    if problems:
        raise typer.Exit(1)
