"""What several commands share: their options, and how they print."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.base.errors import UsageError, unknown

if TYPE_CHECKING:
    from bench.store.results import Run

DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
MetricsOption = Annotated[
    list[str], typer.Option("--metrics", help="Metrics to compute, with commas; a standard set by default.")
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
    from bench.store.results import Run, latest_run
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
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"configuration {path} cannot be read: {error}") from error
    names = [parameter.name for parameter in context.command.params if parameter.name]
    for key in table:
        if key.replace("-", "_") not in names:
            raise unknown(f"key in {path}", key, names)
    context.default_map = {key.replace("-", "_"): _as_option(value) for key, value in table.items()}
    return path


def _as_option(value: Any) -> Any:
    """Return a list of numbers as the text that an option takes."""
    is_numbers = isinstance(value, list) and all(isinstance(item, int) for item in value)
    return ",".join(map(str, value)) if is_numbers else value
