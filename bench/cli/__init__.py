"""The command line. Heavy imports live inside the commands: `bench --help` must not load torch."""

import errno
import importlib.util
import signal
import sys
from pathlib import Path

import typer

from bench import __version__
from bench.base.errors import AssetError, BenchError
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

_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}

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
    """Run the command line: exit 0 when all is done, 1 when some cells failed, 2 for wrong use."""
    # SystemExit unwinds the stack, which ends the workers too; the default handler would leave them restoring.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        _check_packages_are_ours()
        app()
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1 if isinstance(error, AssetError) else 2)
    except OSError as error:
        if error.errno not in _DISK_TROUBLE:
            raise
        where = f" at {error.filename}" if error.filename else ""
        remedy = "nothing that was finished is lost; make room and give the same command again"
        typer.echo(f"error: cannot write{where}: {error.strerror}; {remedy}", err=True)
        sys.exit(2)


def _check_packages_are_ours() -> None:
    """Refuse to run when another package named `methods` or `reports` hides ours.

    Raises:
        BenchError: naming the other package.
    """
    ours = Path(__file__).parents[2].resolve()
    for name in ("methods", "reports"):
        spec = importlib.util.find_spec(name)
        root = Path(spec.origin).parent.parent.resolve() if spec and spec.origin else None
        if root != ours:
            what = f"the package '{name}' that Python finds is not glean-bench's"
            remedy = "remove the other one from PYTHONPATH, or run from another folder"
            raise BenchError(what, got=root or "none", expected=ours, remedy=remedy)
