"""What several commands share."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.base.errors import UsageError, unknown


def console() -> Console:
    """Return the console that commands write to."""
    return Console(highlight=False, soft_wrap=True)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of text under their columns' names."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as text: [steps=200] is no markup
    console().print(table)


def run_folder(given: Path | None) -> Path:
    """Return the run that a command names, or the latest.

    Raises:
        StoreError: when it is not a run folder.
    """
    from bench.store.layout import RunLayout
    from bench.store.results import latest_run
    from bench.store.store import connect_read_only

    folder = given if given is not None else latest_run()
    connect_read_only(RunLayout(folder).database).close()
    return folder


def numbers(text: str, flag: str) -> list[int]:
    """Read whole numbers with commas."""
    try:
        found = [int(item) for item in text.split(",") if item.strip()]
    except ValueError:
        found = []
    if not found:
        raise UsageError(flag, got=repr(text), expected="whole numbers with commas")
    return sorted(set(found))


def config_file(context: typer.Context, path: Path | None) -> Path | None:
    """Take a command's defaults from a TOML file whose keys are its long options."""
    if path is None:
        return None
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"configuration {path} cannot be read: {error}") from error
    known = [parameter.name for parameter in context.command.params if parameter.name]
    for key in given:
        if key.replace("-", "_") not in known:
            raise unknown(f"key in {path}", key, known)
    context.default_map = {key.replace("-", "_"): _as_flag(value) for key, value in given.items()}
    return path


def _as_flag(value: Any) -> Any:
    return (
        ",".join(map(str, value)) if isinstance(value, list) and all(isinstance(v, int) for v in value) else value
    )
