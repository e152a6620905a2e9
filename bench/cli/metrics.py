"""`bench metrics new` and `bench metrics check`."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import print_findings, print_line

app = typer.Typer(help="Write and check metrics.", no_args_is_help=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the metric.")],
    folder: Annotated[Path, typer.Option(help="Folder to write the file to.")] = Path(),
) -> None:
    """Write a metric to fill in."""
    from bench.authoring.new import new_metric

    path = new_metric(name, folder)
    print_line(f"wrote {path}: fill in compare(), then `bench metrics check ./{path}`")


@app.command()
def check(
    metric: Annotated[str, typer.Argument(help="A metric, as `bench run --metrics` would name it.")],
) -> None:
    """Check whether a metric keeps its contract."""
    from bench.authoring.check_metric import check_metric

    print_findings(metric, check_metric(metric))
