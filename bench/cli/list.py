"""`bench list methods`, `categories`, `metrics` and `runs`."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import show_table

GROUPS = ("single pass", "search", "reference", "made elsewhere", "upper bound")
"""Of methods, in the order in which they are shown; a group of a plugin's own follows."""

app = typer.Typer(help="List methods, categories, metrics or runs.", no_args_is_help=True)


@app.command("methods")
def list_methods() -> None:
    """List the methods, group by group."""
    from bench import Method, registry

    rows: dict[str, list[list[str]]] = {group: [] for group in GROUPS}
    for entry in registry.METHODS.entries().values():
        rows.setdefault(entry.group or Method.group, []).append([entry.name, entry.summary, entry.origin])
    for group, entries in rows.items():
        if entries:
            show_table(group, ["name", "what it is", "from"], entries)


@app.command("categories")
def list_categories() -> None:
    """List the categories that have a card."""
    from bench.categories.card import read_cards

    rows = [[entry.name, entry.title, entry.source] for entry in read_cards().values()]
    show_table("categories", ["name", "what it is", "source"], rows)


@app.command("metrics")
def list_metrics() -> None:
    """List the metrics."""
    from bench.registry import DEFAULT_METRICS, METRICS

    rows = [
        [e.name, e.summary, "by default" if e.name in DEFAULT_METRICS else ""] for e in METRICS.entries().values()
    ]
    show_table("metrics", ["name", "what it measures", ""], rows)


@app.command("runs")
def list_runs(root: Annotated[Path, typer.Argument(help="The folder that holds runs.")] = Path("runs")) -> None:
    """List the runs in a folder."""
    from bench.store.results import Run

    rows = []
    for path in sorted(root.glob("*/results.db")):
        run = Run(path.parent)
        methods = ", ".join(method.label for method in run.methods)
        rows.append(
            [str(path.parent), methods, ", ".join(f"{n} {status}" for status, n in run.status_counts.items())]
        )
    show_table(f"runs in {root}" if rows else f"no runs in {root}", ["folder", "methods", "cells"], rows)
