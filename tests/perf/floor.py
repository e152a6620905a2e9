"""The floor of a computation: its convolutions and matrix products alone, with the same shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

ATEN = torch.ops.aten
WORK = {
    ATEN.convolution.default,
    ATEN.convolution_backward.default,
    ATEN._slow_conv2d_forward.default,
    ATEN.addmm.default,
    ATEN.mm.default,
    ATEN.bmm.default,
    ATEN.baddbmm.default,
    ATEN.linear.default,
}


class _Recorder(TorchDispatchMode):
    """Keeps every convolution and product, with operands of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if function in WORK:
            own = torch.utils._pytree.tree_map_only(torch.Tensor, torch.empty_like, args)
            self.calls.append((function, own, dict(kwargs or {})))
        return function(*args, **(kwargs or {}))


def floor(call: Callable[[], object]) -> Callable[[], None]:
    """Return a function that does the convolutions and products of a call, and nothing else.

    Their operands have the shapes and memory layouts of the call's, and zeros in them.
    """
    # In inference mode torch hands composite operations over whole, where the recorder would miss them.
    with torch.inference_mode(mode=False), _Recorder() as recorder:
        call()
    calls = [
        (function, torch.utils._pytree.tree_map_only(torch.Tensor, torch.zero_, args), kwargs)
        for function, args, kwargs in recorder.calls
    ]

    @torch.inference_mode()
    def replay() -> None:
        for function, args, kwargs in calls:
            function(*args, **kwargs)

    return replay
