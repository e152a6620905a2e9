"""`bench info`."""

from typing import Annotated

import typer

from bench.cli.common import print_line


def info(
    name: Annotated[str, typer.Argument(help="A method, category or metric, as `bench run` would name it.")],
) -> None:
    """Describe a method, category or metric."""
    from bench.authoring.info import info as describe

    for line in describe(name):
        print_line(line)
