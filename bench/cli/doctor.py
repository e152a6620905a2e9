"""`bench doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import console, print_line


def doctor(
    verify: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Check a run: hash its images and score them again.")
    ] = None,
) -> None:
    """Show what is installed, what is missing and how to get it; or check that a run is intact."""
    if verify is not None:
        _verify(verify)
        return
    from bench.authoring.doctor import doctor as diagnose

    for line in diagnose():
        print_line(line)


def _verify(folder: Path) -> None:
    from bench.base.progress import Reporter
    from bench.pipeline.verify import verify
    from bench.store.results import Run

    problems, run = 0, Run(folder)
    if run.left_out:
        print_line(f"kept on disk, and in no table: {len(run.left_out)}")
    for cell in run.left_out:
        print_line(f"  {cell}: {cell.reason}")
    for sentence in verify(run, Reporter(console())):
        print_line(sentence)
        problems += 1
    count = f"{problems} files or values differ" if problems > 1 else "one file or value differs"
    print_line(f"{folder}: {count}" if problems else f"{folder}: nothing differs")
    if problems:
        print_line("delete the files that differ, and give the `bench run` command again: it makes them anew")
        raise typer.Exit(1)
