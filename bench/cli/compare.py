"""`bench compare`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import open_runs, print_line, show_table


def compare(
    old: Annotated[Path, typer.Argument(help="The earlier run.")],
    new: Annotated[Path, typer.Argument(help="The later run.")],
    every: Annotated[bool, typer.Option("--all", help="List values that did not change too.")] = False,
) -> None:
    """Show what changed between two runs, and whether a change of the values is more than chance."""
    from reports.compare import Changes, as_row

    changes = Changes(*open_runs([old, new]))
    for sentence in changes.sentences:
        print_line(sentence)
    if rows := [as_row(change) for change in changes.values if every or not change.is_same]:
        show_table("", list(rows[0]), [list(row.values()) for row in rows])
    if not changes.values:
        print_line("no method and metric has values of the same inputs in both runs: there is nothing to compare")
        return
    verdicts = Counter(change.test.verdict.value for change in changes.values if not change.is_same)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    print_line(f"{verdicts.total()} of {len(changes.values)} means changed{': ' if counts else ''}{counts}")
