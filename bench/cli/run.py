"""`bench run`."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import bench
from bench.cli.common import (
    AddressOption,
    DeviceOption,
    ExecutorOption,
    GpusOption,
    MetricsOption,
    RedoOption,
    WorkersOption,
    config_file,
    console,
    numbers,
    print_line,
    print_reasons,
)
from bench.registry.selection import split

if TYPE_CHECKING:
    from bench.pipeline.plan import Plan


def run(
    methods: Annotated[
        list[str],
        typer.Option(
            "--methods", help="Methods to compare, with commas: glean,pulse[steps=200],mine=folder:PATH,./mine.py"
        ),
    ] = ["bicubic", "esrgan", "pulse", "glean"],
    category: Annotated[
        list[str],
        typer.Option(
            "--category",
            help="A category, or NAME=PATH for a folder, archive or card; repeatable; faces by default.",
        ),
    ] = [],
    factor: Annotated[str, typer.Option(help="Enlargement factors, with commas.")] = "16,32,64",
    images: Annotated[
        int | None,
        typer.Option(
            min=0, help="First N images of each category, 0 for all; by default 4 sampled, all of others."
        ),
    ] = None,
    metrics: MetricsOption = [],
    seed: Annotated[int, typer.Option(help="Random seed of the run.")] = 0,
    repeats: Annotated[
        int, typer.Option(min=1, help="Restore each image K times, each time with another seed.")
    ] = 1,
    device: DeviceOption = "auto",
    timeout: Annotated[float | None, typer.Option(min=0.01, help="Time limit for one image, in seconds.")] = None,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads of each worker; by default all cores for one, 1 each for several."),
    ] = None,
    address: AddressOption = None,
    gpus_per_worker: GpusOption = None,
    redo: RedoOption = None,
    out: Annotated[Path, typer.Option(help="Run folder; an existing one is continued.")] = Path("runs/default"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be restored, and stop.")] = False,
    config: Annotated[
        Path | None, typer.Option(callback=config_file, is_eager=True, help="TOML file with these options.")
    ] = None,
) -> None:
    """Restore and score every method, category, factor and image; the same command again continues."""
    arguments: dict[str, Any] = {
        "methods": split(methods), "categories": split(category) or None, "factors": numbers(factor, "--factor"),
        "images": images, "metrics": split(metrics) or None, "seed": seed, "repeats": repeats,
        "device": device, "timeout": timeout, "executor": executor, "workers": workers, "threads": threads,
        "address": address, "gpus_per_worker": gpus_per_worker, "redo": redo,
    }  # fmt: skip
    if dry_run:
        from bench.pipeline.membership import preview
        from bench.pipeline.plan import make_plan

        _print_plan(preview(make_plan(**arguments), out), out)
        return
    finished = bench.run(**arguments, out=out, console=console(), command=shlex.join(["bench", *sys.argv[1:]]))
    _print_outcomes(finished)
    if finished.outcomes.keys() & bench.Status.failed():
        raise typer.Exit(1)


def _print_outcomes(run: bench.Run) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in sorted(run.outcomes.items()))
    print_line(
        f"{counts or 'nothing to restore'}; results in {run.path}, and `bench report {run.path}` draws them"
    )
    print_reasons([*run.unrestored_cells, *run.unmeasured_cells])
    if pending := run.pending_counts:
        print_line(
            f"asked for by other commands and not restored: {sum(pending.values())} ({', '.join(pending)}); "
            "means leave their images out until those commands are given again"
        )


def _print_plan(plan: Plan, out: Path) -> None:
    from bench.store.layout import RunLayout
    from bench.store.store import is_begun

    run = bench.Run(out) if is_begun(RunLayout(out).database) else None
    asked = {(source.name, image) for source in plan.sources for image in source.list(plan.images)}
    cells = len(asked) * len(plan.factors) * plan.repeats
    finished = Counter(
        cell.identity
        for cell in (run.restored_cells if run else ())
        if cell.is_asked and cell.factor in plan.factors and (cell.category, cell.image) in asked
    )
    for source in plan.sources:
        print_line(f"category {source.name}: {len(source.list(plan.images))} of {source.count()} images")
    for selected in plan.methods:
        done = f", {finished[selected.identity]} of them in {out}" if run else ""
        print_line(f"method {selected.label}: {cells} results{done}; identity {selected.identity[:12]}")
    print_line(f"{plan.settings.threads} threads a worker")
    print_line(f"factors {', '.join(map(str, plan.factors))}; metrics {', '.join(plan.metrics)}")
