"""`bench run`: restore, then score."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.base.files import write_atomically
from bench.base.progress import Reporter
from bench.pipeline.membership import enter
from bench.pipeline.plan import Plan, make_plan
from bench.pipeline.restore import restore
from bench.pipeline.score import score_cells
from bench.store import provenance
from bench.store.latest import remember
from bench.store.records import Redo, Status
from bench.store.results import Run
from bench.store.store import Store


def run(
    methods: Sequence[str],
    categories: Sequence[str] | None = None,
    *,
    factors: Sequence[int] = (16, 32, 64),
    images: int | None = None,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    repeats: int = 1,
    device: str = "auto",
    timeout: float | None = None,
    executor: str = "local",
    workers: int | None = None,
    threads: int | None = None,
    address: str | None = None,
    gpus_per_worker: float | None = None,
    redo: Redo | None = None,
    out: str | Path = "runs/default",
    console: Console | None = None,
    command: str | None = None,
) -> Run:
    """Restore every method, category, factor and image, score the results, and return the run.

    What the folder holds already is not computed again. A cell that fails does not raise: the run has it in
    `failed_cells`, and `outcomes` says how many ended how.

    Args:
        methods: selections such as `glean`, `pulse[steps=200]` or `./mine.py`.
        categories: names of categories, or `NAME=PATH` for a folder, archive or card; None for sampled faces.
        factors: whole numbers of at least 2.
        images: the first so many images of each category, 0 for all; None for 4 of what is sampled, all of others.
        metrics: names; None for those that `bench list metrics` calls default.
        seed: of the run; each image's seed comes from it and from the LR pixels.
        repeats: how often each image is restored, each time with another seed.
        device: `auto`, `cpu` or `cuda`.
        timeout: seconds that one image may take; None for no limit.
        executor: `local` for workers on this machine, `ray` for those of Ray, here or on a cluster.
        workers: how many work at a time; None for one locally, and for as many as fit with Ray.
        threads: of each worker, the same for the whole run, as the last bits of an image depend on it; None for
            what the run was made with, or else all cores for one worker, and one thread for each of several.
        address: of a running Ray cluster; None starts Ray on this machine.
        gpus_per_worker: the share of a GPU that a Ray worker holds; None for one whole on `cuda`.
        redo: `failed` or `all`, to compute again what the folder holds.
        out: the run folder.
        console: where to report progress; None reports nothing.
        command: how reports quote what made the run; None for this call.

    Raises:
        UsageError: when an argument cannot be used.
        MethodError: when a method cannot be imported or built.
        Unavailable: when the images of a category, or Ray, are not here.
        StoreError: when the folder is in use, was made with another seed or device, or cannot be written.
    """
    plan = make_plan(
        methods=methods, categories=categories, factors=factors, images=images, metrics=metrics, seed=seed,
        repeats=repeats, device=device, timeout=timeout, executor=executor, workers=workers, threads=threads,
        address=address, gpus_per_worker=gpus_per_worker, redo=redo,
    )  # fmt: skip
    named = "" if categories is None else f"{[*categories]}, "
    what = f"{[*methods]}, {named}factors={[*factors]}, images={images}, seed={seed}, repeats={repeats}"
    with plan.executor:
        return Run(out, _carry_out(plan, Path(out), command or f"bench.run({what})", Reporter(console)))


def _carry_out(plan: Plan, out: Path, command: str, reporter: Reporter) -> Counter[Status]:
    with Store(out) as store:
        plan = enter(plan, store)
        store.hold_constants(plan.constants)
        store.record_command(provenance.describe(command, plan.settings.device, plan.settings.threads))
        outcomes = restore(store, plan, reporter)
        score_cells(store, plan.metrics, plan.executor, plan.settings, redo=plan.redo, reporter=reporter)
        _write_summary(store)
    remember(out)
    return outcomes


def _write_summary(store: Store) -> None:
    """Write run.json: what a person wants to see first in the folder."""
    summary = {
        "constants": store.constants(),
        "methods": {method.label: f"sr/{method.slug}" for method in store.methods()},
        "categories": [category.name for category in store.categories()],
        "factors": store.factors(),
        "cells": store.status_counts(),
    }
    content = (json.dumps(summary, indent=2, ensure_ascii=False) + "\n").encode()
    path = store.layout.summary
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
