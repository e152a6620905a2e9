"""The command line. Heavy imports live inside the commands: `bench --help` must not load torch."""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import typer

from bench import __version__
from bench.base.errors import UsageError
from bench.base.rooms import refuse_other_packages
from bench.cli import (
    compare,
    doctor,
    export,
    figure,
    info,
    merge,
    methods,
    metrics,
    prepare,
    report,
    run,
    score,
    train,
)
from bench.cli import list as list_
from bench.cli.boundary import DEBUG, run_guarded

app = typer.Typer(
    name="bench",
    help="Large-factor image super-resolution (16x, 32x, 64x), compared fairly.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"glean-bench {__version__}")
        raise typer.Exit


@app.callback()
def _bench(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error, with any command."),
) -> None:
    pass


app.command()(run.run)
app.command()(score.score)
app.command()(report.report)
app.command()(figure.figure)
app.command()(compare.compare)
app.command()(export.export)
app.command()(merge.merge)
app.command()(train.train)
app.command()(prepare.prepare)
app.command()(doctor.doctor)
app.command()(info.info)
app.add_typer(list_.app, name="list")
app.add_typer(methods.app, name="methods")
app.add_typer(metrics.app, name="metrics")


def main() -> None:
    """Run the command line; `bench.cli.boundary` says how it exits."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if len(arguments) < len(sys.argv) - 1:
        os.environ[DEBUG] = "1"

    def command() -> None:
        refuse_other_packages()
        _refuse_spaces(arguments)
        app(arguments)

    run_guarded(command)


def _refuse_spaces(arguments: Sequence[str]) -> None:
    """Refuse a list that a shell took apart.

    Raises:
        UsageError: with the list as it must be written.
    """
    for one, other in pairwise(arguments):
        if one.endswith(",") or (other.startswith(",") and not one.startswith("-")):
            joined = f"{one.rstrip(',')},{other.lstrip(',')}"
            raise UsageError("a list has a space", got=f"{one} {other}", expected=joined)
