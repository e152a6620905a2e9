"""What a restoration costs. The worker measures; these records let tables treat costs like metrics."""

from typing import NamedTuple

from bench.base.metric import Better


class Cost(NamedTuple):
    """A cost metric."""

    name: str
    title: str
    unit: str
    better: Better
    signature: str


COSTS = (
    Cost("seconds", "time", "s", Better.LOWER, "seconds|wall|restore|one-image|v1"),
    Cost("peak_memory_mb", "peak memory", "MB", Better.LOWER, "peak_memory_mb|worker|v1"),
    Cost("parameters_m", "parameters", "M", Better.LOWER, "parameters_m|all-networks|v1"),
    Cost("gmacs", "operations", "GMAC", Better.LOWER, "gmacs|convolutions+matrix-products|one-image|v1"),
)
