"""Counts what a call computes."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

T = TypeVar("T")


class MacCounter(TorchDispatchMode):
    """Counts the operations of convolutions and matrix products with torch's own formulas.

    torch's `FlopCounterMode` counts the same and loads the whole compiler: 2 s and 200 MB in every worker.
    """

    flops = 0
    _indivisible: ClassVar[set[Any]] = {torch.ops.prim.device.default}
    """Operations that consist of no others; asking torch each time doubles the cost of counting."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        formula, kwargs = flop_registry.get(func._overloadpacket), kwargs or {}
        if formula is None and func not in self._indivisible:
            with self:  # in inference mode, `linear` and its like arrive whole
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
            self._indivisible.add(func)
        out = func(*args, **kwargs)
        self.flops += formula(*args, **kwargs, out_val=out) if formula else 0
        return out


def count_macs(call: Callable[[], T]) -> tuple[T, float]:
    """Run a call; return its result and its multiply-accumulate operations, those of backward passes included."""
    with MacCounter() as counter:
        result = call()
    return result, counter.flops / 2
