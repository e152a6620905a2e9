"""`bench score`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import bench
from bench.cli.common import (
    AddressOption,
    DeviceOption,
    ExecutorOption,
    GpusOption,
    MetricsOption,
    RedoOption,
    RunArgument,
    WorkersOption,
    console,
    open_runs,
    print_line,
    print_reasons,
)
from bench.registry.selection import split

if TYPE_CHECKING:
    from bench.store.records import Redo


def score(
    run: RunArgument = None,
    metrics: MetricsOption = [],
    device: DeviceOption = "auto",
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    gpus_per_worker: GpusOption = None,
    redo: RedoOption = None,
) -> None:
    """Compute the metrics that a run does not have yet."""
    scored = bench.score(
        open_runs([run] if run else None)[0], split(metrics) or None, device=device, executor=executor,
        workers=workers, address=address, gpus_per_worker=gpus_per_worker, redo=cast("Redo | None", redo),
        console=console(),
    )  # fmt: skip
    print_reasons(scored.unmeasured_cells)
    print_line(
        f"{scored.path} has {', '.join(metric.name for metric in scored.metrics if metric.scope != 'cost')}"
    )
