"""`bench methods new` and `bench methods check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import console

app = typer.Typer(help="Write and check method adapters.", no_args_is_help=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What the method is called.")],
    folder: Annotated[Path, typer.Option(help="Where the file goes.")] = Path(),
) -> None:
    """Write an adapter to fill in."""
    from bench.authoring.scaffold import new_adapter

    path = new_adapter(name, folder)
    console().print(f"wrote {path}: fill in restore(), then `bench methods check ./{path}`", markup=False)


@app.command()
def check(method: Annotated[str, typer.Argument(help="A method, as `bench run` would name it.")]) -> None:
    """Try whether an adapter keeps its contract."""
    from bench.authoring.conformance import check as check_method

    findings = check_method(method)
    for finding in findings:
        console().print(f"- {finding}", markup=False)
    if findings:
        raise typer.Exit(1)
    console().print(f"{method} keeps the contract", markup=False)
