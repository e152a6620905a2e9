"""The arguments that `bench.run` and `bench.score` share, checked."""

from collections.abc import Sequence

from bench.base.errors import UsageError
from bench.registry import DEFAULT_METRICS, METRICS
from bench.store.records import Redo


def metric_names(names: Sequence[str] | None) -> list[str]:
    """Return the names of metrics, the default ones for None.

    Raises:
        UsageError: for an unknown name.
    """
    for name in names or ():
        METRICS.find(name)
    return list(names or DEFAULT_METRICS)


def usable_device(name: str) -> str:
    """Return `cpu` or `cuda` for `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: for another name, or when there is no usable GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError("device", got=name, expected="auto, cpu or cuda")
    if name == "cpu":
        return name
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("device cuda", got="no usable GPU", remedy="use the device cpu")
    return "cuda" if available else "cpu"


def checked_redo(text: str | None) -> Redo | None:
    """Return what to compute again.

    Raises:
        UsageError: for anything but `failed`, `all` or None.
    """
    if text not in (None, "failed", "all"):
        raise UsageError("redo", got=text, expected="failed or all")
    return text  # type: ignore[return-value]
