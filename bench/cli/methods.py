"""`bench methods new` and `bench methods check`."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import print_findings, print_line

app = typer.Typer(help="Write and check adapters of methods.", no_args_is_help=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the method.")],
    folder: Annotated[Path, typer.Option(help="Folder to write the file to.")] = Path(),
) -> None:
    """Write an adapter to fill in."""
    from bench.authoring.new import new as write_adapter

    path = write_adapter(name, folder)
    print_line(f"wrote {path}: fill in restore(), then `bench methods check ./{path}`")


@app.command()
def check(method: Annotated[str, typer.Argument(help="A method, as `bench run` would name it.")]) -> None:
    """Check whether an adapter keeps its contract."""
    from bench.authoring.check import check as check_method

    print_findings(method, check_method(method))
