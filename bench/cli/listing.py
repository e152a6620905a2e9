"""`bench list` and `bench info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.base.errors import unknown
from bench.cli.common import console, show_table

app = typer.Typer(help="List methods, categories, metrics or runs.", no_args_is_help=True)


@app.command("methods")
def list_methods() -> None:
    """List what restores."""
    from bench.registry.methods import discover

    rows = [[entry.name, entry.summary, entry.origin] for entry in discover().values()]
    show_table("methods", ["name", "what it is", "from"], rows)


@app.command("categories")
def list_categories() -> None:
    """List the kinds of image that have a card."""
    from bench.categories.category import discover

    rows = [[entry.name, entry.title, entry.source] for entry in discover().values()]
    show_table("categories", ["name", "what it is", "source"], rows)


@app.command("metrics")
def list_metrics() -> None:
    """List what measures."""
    from bench.metrics import DEFAULT, discover

    rows = [[e.name, e.summary, "by default" if e.name in DEFAULT else ""] for e in discover().values()]
    show_table("metrics", ["name", "what it measures", ""], rows)


@app.command("runs")
def list_runs(root: Annotated[Path, typer.Argument(help="The folder that holds runs.")] = Path("runs")) -> None:
    """List the runs in a folder."""
    from bench.store.results import Run

    rows = []
    for path in sorted(root.glob("*/results.db")):
        run = Run(path.parent)
        cells = run.query("SELECT status, COUNT(*) AS n FROM cells GROUP BY status ORDER BY status")
        methods = ", ".join(method.label for method in run.methods)
        rows.append([str(path.parent), methods, ", ".join(f"{row['n']} {row['status']}" for row in cells)])
    show_table("runs", ["folder", "methods", "cells"], rows)


def info(
    name: Annotated[str, typer.Argument(help="A method, category or metric, as a command would name it.")],
) -> None:
    """Say everything that is known of a method, category or metric."""
    from bench import metrics
    from bench.authoring import info
    from bench.categories import category as categories
    from bench.registry import methods as registry
    from bench.registry.selection import parse

    wanted = parse(name).name
    if wanted in metrics.discover():
        lines = info.metric(wanted)
    elif wanted in categories.discover():
        lines = info.category(name)
    elif wanted in registry.discover() or wanted.endswith(".py"):
        lines = info.method(name)
    else:
        known = [*registry.discover(), *categories.discover(), *metrics.discover()]
        raise unknown("method, category or metric", wanted, known)
    for line in lines:
        console().print(line, markup=False)
