"""Where networks compute: the one place that knows which devices there are, and what is special about them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from bench.base.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

T = TypeVar("T")
Precision = Literal["bf16", "no"]
"""What a training computes in, as accelerate names it; `no` is float32."""
BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""Of x86 processors, as torch names them; either makes a convolution twice as fast."""


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


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def training_precision(device: str) -> Precision:
    """Return what a training computes in: bf16 on a GPU and on a processor with instructions for it.

    Restoring and scoring are in float32 everywhere.
    """
    if device == "cuda":
        return "bf16"
    import torch

    able: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # an old torch cannot tell: float32
    return "bf16" if any(map(able.get, BF16_INSTRUCTIONS)) else "no"


def send(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Return a tensor on a device; a GPU reads it by itself, while the processor goes on."""
    import torch

    if torch.device(device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Timed(NamedTuple):
    """How long a call took."""

    seconds: float
    """By the clock; on a GPU between its own events."""
    waited: float
    """The share of these seconds for which the threads of this process waited for a processor."""


def timed(call: Callable[[], T], device: torch.device, threads: int) -> tuple[T, Timed]:
    """Run a call that computes on a device with so many threads, and time it to its end."""
    waiting, processor, start = _seconds_in_queues(), time.process_time(), time.perf_counter()
    if device.type == "cuda":
        result, seconds = _between_events(call)
    else:
        result = call()
        seconds = time.perf_counter() - start
    waiting_now = _seconds_in_queues()
    if waiting is None or waiting_now is None:  # not Linux: what no thread used of the time of one
        waited = 1 - (time.process_time() - processor) / seconds
    else:  # what waited before a short call is counted in it, too
        waited = (waiting_now - waiting) / (seconds * threads)
    return result, Timed(seconds, min(1.0, max(0.0, waited)))


def _between_events(call: Callable[[], T]) -> tuple[T, float]:
    import torch

    torch.cuda.synchronize()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    begin.record()
    result = call()
    end.record()
    end.synchronize()
    return result, begin.elapsed_time(end) / 1000


def _seconds_in_queues() -> float | None:
    """Return for how long threads of this process were ready and had no processor; None where nobody counts."""
    waits = []
    for file in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, IndexError):  # of a thread that has just ended
            waits.append(int(file.read_text(encoding="ascii").split()[1]))
    return sum(waits) / 1e9 if waits else None


def memory(device: torch.device) -> dict[str, float]:
    """Return the most memory that this process ever had, in MB, by what is counted: of a GPU on a GPU."""
    if device.type == "cuda":
        import torch

        allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        return {"peak_memory_mb": reserved / 1e6, "allocated_memory_mb": allocated / 1e6}
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux ru_maxrss begins at the parent's size, which may be larger
        lines = status.read_text(encoding="utf-8").splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        return {"peak_memory_mb": peak * 1024 / 1e6}
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return {"peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6}


def describe_gpu() -> dict[str, Any]:
    """Return the name of the GPU, its memory, and the clocks that it may reach."""
    import torch

    properties = torch.cuda.get_device_properties(0)
    return {
        "device_name": properties.name,
        "device_memory_gb": round(properties.total_memory / 1e9),
        "device_clock_mhz": getattr(properties, "clock_rate", 0) // 1000,
    }
