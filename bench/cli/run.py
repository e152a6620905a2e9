"""`bench run` and `bench score`."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.base.errors import UsageError, unknown
from bench.cli.common import config_file, console, numbers, run_folder
from bench.registry.selection import split

if TYPE_CHECKING:
    from bench.pipeline.restore import Request
    from bench.store.store import Redo, Status, Store
    from bench.workers.ray import Cluster

Methods = Annotated[
    list[str], typer.Option("--methods", help="What to compare: glean,pulse[steps=200],mine=folder:PATH,./mine.py")
]
Categories = Annotated[
    list[str],
    typer.Option("--category", help="A category, or NAME=PATH for a folder, archive or card; repeatable."),
]
Metrics = Annotated[
    list[str], typer.Option("--metrics", help="Metrics by name; those that everybody reads if none.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
RedoText = Annotated[str | None, typer.Option("--redo", help="Compute again: failed, or all.")]


def run(
    methods: Methods = ["bicubic", "esrgan", "pulse", "glean"],
    category: Categories = ["faces"],
    factor: Annotated[str, typer.Option(help="Factors, with commas.")] = "16,32,64",
    images: Annotated[int, typer.Option(min=0, help="The first N images of each category; 0 for all.")] = 4,
    metrics: Metrics = [],
    seed: Annotated[int, typer.Option(help="The run's seed.")] = 0,
    repeats: Annotated[
        int, typer.Option(min=1, help="Restore each image K times, each with a seed of its own.")
    ] = 1,
    device: Device = "auto",
    timeout: Annotated[float | None, typer.Option(min=0.01, help="Seconds that one image may take.")] = None,
    executor: Annotated[
        str, typer.Option(help="local: one worker. ray: several, here or on a cluster.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers at a time, with ray; as many as fit.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads a worker; all cores, or their share.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of a running Ray cluster; none starts Ray here.")] = None,
    gpus_per_worker: Annotated[
        float | None, typer.Option("--gpus-per-worker", min=0, help="Of a GPU, with ray; 1 with --device cuda.")
    ] = None,
    redo: RedoText = None,
    out: Annotated[Path, typer.Option(help="The run folder; the same one continues.")] = Path("runs/default"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be restored, and do nothing.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(callback=config_file, is_eager=True, help="A TOML file with these options.")
    ] = None,
) -> None:
    """Restore, then score: every method, category, factor and image; the same command again continues."""
    from bench.categories.category import find
    from bench.pipeline.restore import Request
    from bench.registry import methods as registry
    from bench.workers import Settings, local
    from bench.workers.sandbox import sandbox

    chosen_metrics = _metric_names(metrics)
    kind = _device(device)
    pool = _crew(executor, workers, address, gpus_per_worker, kind)
    settings = Settings(kind, threads or _threads(executor, workers, address), timeout, os.getcwd())  # noqa: PTH109
    with sandbox():
        selected = [registry.create(text) for text in split(methods)]
    request = Request(
        methods=_distinct(selected),
        sources=[find(text) for text in split(category)],
        factors=_factors(factor),
        images=images or None,
        seed=seed,
        repeats=repeats,
        redo=_redo(redo),
        settings=settings,
        executor=pool.restore_all if pool else local.restore_all,
    )
    for source in request.sources:
        source.list(request.images)  # data that are missing are said before anything is made
    if dry_run:
        _say_plan(request, chosen_metrics)
        return
    from bench.store.store import Status

    with pool or nullcontext():
        counts = _run(request, chosen_metrics, out)
    if counts.keys() & Status.failed():
        raise typer.Exit(1)


def score(
    folder: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="The latest when not named.")] = None,
    metrics: Metrics = [],
    device: Device = "auto",
    redo: RedoText = None,
) -> None:
    """Compute the metrics that a run does not have yet."""
    from bench.base.progress import Reporter
    from bench.pipeline.scoring import score as score_run
    from bench.store.store import Store

    names = _metric_names(metrics)
    with Store(run_folder(folder)) as store:
        score_run(store, names, _device(device), _redo(redo), Reporter(console()))


def _run(request: Request, metrics: list[str], out: Path) -> Counter[Status]:
    from bench.base.progress import Reporter
    from bench.pipeline.restore import restore
    from bench.pipeline.scoring import score as score_run
    from bench.store import provenance
    from bench.store.store import Store

    reporter, settings = Reporter(console()), request.settings
    with Store(out) as store:
        store.hold_constants(_constants(request))
        store.record_command(provenance.describe(sys.argv[1:], settings.device, settings.threads))
        counts = restore(store, request, reporter)
        score_run(store, metrics, settings.device, request.redo, reporter)
        _write_summary(store)
        reporter.say(f"{_told(counts)}; results in {out}, and `bench report {out}` draws them")
        for line in _failures(store):
            reporter.say(line)
    return counts


def _constants(request: Request) -> dict[str, str]:
    from importlib.metadata import version

    from bench.images import degradation as protocol

    return {
        "protocol": protocol.VERSION,
        "seed": str(request.seed),
        "device": request.settings.device,
        "torch": version("torch"),
    }


def _write_summary(store: Store) -> None:
    """Write run.json: what a person wants to see first in the folder."""
    from bench.base.files import write_atomically

    rows = store.rows("SELECT status, COUNT(*) AS n FROM cells GROUP BY status ORDER BY status")
    summary: dict[str, Any] = {
        "constants": {row["name"]: row["value"] for row in store.rows("SELECT * FROM constants ORDER BY name")},
        "methods": {
            row["label"]: f"sr/{row['slug']}" for row in store.rows("SELECT * FROM methods WHERE is_current")
        },
        "categories": [row["name"] for row in store.rows("SELECT name FROM categories ORDER BY id")],
        "factors": [row["factor"] for row in store.rows("SELECT DISTINCT factor FROM inputs ORDER BY factor")],
        "cells": {row["status"]: row["n"] for row in rows},
    }
    content = (json.dumps(summary, indent=2, ensure_ascii=False) + "\n").encode()
    path = store.layout.summary
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def _failures(store: Store) -> list[str]:
    rows = store.rows(
        "SELECT label, categories.name AS category, images.name AS image, factor, status, reason FROM cells"
        " JOIN methods ON methods.id = method_id JOIN inputs ON inputs.id = input_id"
        " JOIN images ON images.id = image_id JOIN categories ON categories.id = category_id"
        " WHERE is_current AND status IN ('error', 'timeout', 'out_of_memory') ORDER BY cells.id"
    )
    return [
        f"  {r['label']} {r['category']}/{r['image']} x{r['factor']}: {r['status']}, {r['reason']}" for r in rows
    ]


def _told(counts: Counter[Status]) -> str:
    return ", ".join(f"{n} {status}" for status, n in sorted(counts.items())) or "nothing to restore"


def _say_plan(request: Request, metrics: list[str]) -> None:
    say = console().print
    for source in request.sources:
        names = source.list(request.images)
        say(f"category {source.name}: {len(names)} images", highlight=False, markup=False)
    for selected in request.methods:
        say(f"method {selected.label}: identity {selected.identity[:12]}", highlight=False, markup=False)
    say(f"factors {', '.join(map(str, request.factors))}; metrics {', '.join(metrics)}", highlight=False)


def _distinct(methods: list[Any]) -> list[Any]:
    labels = [selected.label for selected in methods]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(
                f"two methods are called '{label}'",
                remedy="give one a name of its own: other=METHOD[option=value]",
            )
    return methods


def _metric_names(given: list[str]) -> list[str]:
    from bench.metrics import DEFAULT, discover

    names = split(given)
    for name in names:
        if name not in discover():
            raise unknown("metric", name, discover())
    return names or list(DEFAULT)


def _factors(text: str) -> list[int]:
    factors = numbers(text, "--factor")
    if any(factor < 2 for factor in factors):
        raise UsageError("--factor", got=text, expected="whole numbers of at least 2, with commas")
    return factors


def _redo(text: str | None) -> Redo | None:
    if text not in (None, "failed", "all"):
        raise UsageError("--redo", got=text, expected="failed or all")
    return text  # type: ignore[return-value]


def _device(name: str) -> str:
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError("--device", got=name, expected="auto, cpu or cuda")
    if name == "cpu":
        return name
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("--device cuda", got="no usable GPU", remedy="use --device cpu")
    return "cuda" if available else "cpu"


def _crew(
    executor: str, workers: int | None, address: str | None, gpus: float | None, device: str
) -> Cluster | None:
    """Return the Ray cluster that is asked for, or None for the local executor."""
    if executor == "ray":
        from bench.workers.ray import Cluster

        return Cluster(workers, address, (1.0 if device == "cuda" else 0.0) if gpus is None else gpus)
    if executor != "local":
        raise UsageError("--executor", got=executor, expected="local or ray")
    for flag, value in (("--workers", workers), ("--address", address), ("--gpus-per-worker", gpus)):
        if value is not None:
            raise UsageError(f"{flag} {value} needs --executor ray", got="local")
    return None


def _threads(executor: str, workers: int | None, address: str | None) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if executor == "local":
        return cores
    return max(1, cores // workers) if workers and address is None else 1
