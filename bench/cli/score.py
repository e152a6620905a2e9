"""`bench score`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import bench
from bench.cli.common import (
    DeviceOption,
    MetricsOption,
    RedoOption,
    RunArgument,
    console,
    open_runs,
    print_reasons,
)
from bench.registry.selection import split

if TYPE_CHECKING:
    from bench.store.records import Redo


def score(
    run: RunArgument = None, metrics: MetricsOption = [], device: DeviceOption = "auto", redo: RedoOption = None
) -> None:
    """Compute the metrics that a run does not have yet."""
    names, again = split(metrics) or None, cast("Redo | None", redo)
    scored = bench.score(open_runs([run] if run else None)[0], names, device=device, redo=again, console=console())
    print_reasons(scored.unmeasured_cells)
