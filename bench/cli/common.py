"""What several commands share: their options, and how they print."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.base import toml
from bench.base.errors import UsageError, unknown
from bench.base.files import expand_path

if TYPE_CHECKING:
    from bench.store.records import FailedCell
    from bench.store.results import Run

DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
ExecutorOption = Annotated[
    str, typer.Option(help="local: workers on this machine. ray: those of Ray, here or on a cluster.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Number of workers; by default one, and as many as fit with ray.")
]
AddressOption = Annotated[
    str | None, typer.Option(help="Address of a running Ray cluster; by default Ray starts on this machine.")
]
GpusOption = Annotated[
    float | None,
    typer.Option(min=0, help="GPUs of each ray worker, such as 0.5; by default 1 with --device cuda."),
]
MetricsOption = Annotated[
    list[str], typer.Option("--metrics", help="Metrics to compute, with commas; a standard set by default.")
]
MethodsShownOption = Annotated[
    list[str] | None, typer.Option("--methods", help="Methods by label or title, with commas; all by default.")
]
MetricsShownOption = Annotated[
    list[str] | None, typer.Option("--metrics", help="Metrics by name, with commas; all by default.")
]
QuotedOption = Annotated[Path | None, typer.Option(help="TOML file of rows quoted from papers.")]
RedoOption = Annotated[
    str | None, typer.Option("--redo", help="failed: compute failed cells again. all: everything.")
]
RunArgument = Annotated[
    Path | None, typer.Argument(metavar="[RUN]", help="Run folder; the latest one by default.")
]
RunsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders; the latest one by default.")
]


def console() -> Console:
    """Return the console that commands write to."""
    return Console(highlight=False, soft_wrap=True)


def print_line(line: object) -> None:
    """Print one line as it is."""
    console().print(str(line), markup=False)


def print_findings(what: str, findings: Sequence[object]) -> None:
    """Print what a check found; anything ends the command with 1."""
    for finding in findings:
        print_line(f"- {finding}")
    if findings:
        raise typer.Exit(1)
    print_line(f"{what} keeps the contract")


def print_reasons(cells: Iterable[FailedCell]) -> None:
    """Print why cells have no image or no value: one line a reason, however many images it is of."""
    groups: dict[tuple[str, str], list[FailedCell]] = {}
    for cell in cells:
        groups.setdefault((cell.status, cell.reason_of_any_image), []).append(cell)
    for group in groups.values():
        first, methods = group[0], ",".join(dict.fromkeys(cell.method for cell in group))
        inputs = {(cell.category, cell.image, cell.factor) for cell in group}
        others = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
        where = f"{first.category}/{first.image} x{first.factor}{others}"
        print_line(f"  {methods} {where}: {first.status}, {first.reason}")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of text under their columns' names."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as text: [steps=200] is no markup
    console().print(table)


def open_runs(paths: Sequence[Path] | None) -> list[Run]:
    """Return the runs that a command names, or the latest.

    Raises:
        StoreError: when one is not a run folder.
    """
    from bench.store.latest import latest_run
    from bench.store.results import Run
    from bench.store.store import connect_read_only

    runs = [Run(path) for path in paths or [latest_run()]]
    for run in runs:
        connect_read_only(run.layout.database).close()
    return runs


def numbers(text: str, flag: str) -> list[int]:
    """Read whole numbers with commas."""
    try:
        values = [int(item) for item in text.split(",") if item.strip()]
    except ValueError:
        values = []
    if not values:
        raise UsageError(flag, got=repr(text), expected="whole numbers with commas")
    return sorted(set(values))


def config_file(context: typer.Context, path: Path | None) -> Path | None:
    """Take a command's defaults from a TOML file whose keys are its long options."""
    if path is None:
        return None
    table = toml.read(path, "configuration")
    parameters = {parameter.name: parameter for parameter in context.command.params if parameter.name}
    for key in table:
        if key.replace("-", "_") not in parameters:
            raise unknown(f"key in {path}", key, parameters)
    defaults = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        defaults[name] = _as_option(value, f"{key} of configuration {path}", parameters[name])
    context.default_map = defaults
    return path


def _as_option(value: Any, where: str, parameter: Any) -> Any:
    """Return a value of a configuration as an option takes it: a text alone for a list, numbers for a text."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in values):
        raise UsageError(where, got=repr(value), expected="a text, a number, or a list of them")
    values = [os.path.expandvars(item) if isinstance(item, str) else item for item in values]
    if parameter.multiple:
        return [str(item) for item in values]
    if isinstance(value, list):
        return ",".join(map(str, values))
    is_path = isinstance(value, str) and value.startswith("~")
    return str(expand_path(value, where)) if is_path else values[0]
