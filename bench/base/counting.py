"""Counts what a call computes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

T = TypeVar("T")


class MacCounter(TorchDispatchMode):
    """Counts the operations of convolutions and matrix products with torch's own formulas.

    torch's `FlopCounterMode` counts the same and loads the whole compiler: 2 s and 200 MB in every worker.
    """

    flops = 0.0
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


_counting: ContextVar[MacCounter | None] = ContextVar("counting", default=None)
COUNTED_STEPS = 2


def count_macs(call: Callable[[], T]) -> tuple[T, float]:
    """Run a call; return its result and its multiply-accumulate operations, those of backward passes included."""
    counter = MacCounter()
    token = _counting.set(counter)
    try:
        with counter:
            result = call()
    finally:
        _counting.reset(token)
    return result, counter.flops / 2


class Steps:
    """Steps of a search that cost the same: of a search that is counted the first stand for the others.

    Counting a step takes up to half as long again, so a whole search is not counted.
    """

    def __init__(self) -> None:
        self._counter, self._counted, self._flops = _counting.get(), 0, 0.0

    @contextmanager
    def step(self) -> Iterator[None]:
        """Enter one step."""
        counter = self._counter
        if counter is None:
            yield
        elif self._counted < COUNTED_STEPS:
            before = counter.flops
            yield
            self._counted += 1
            self._flops += (counter.flops - before - self._flops) / self._counted
        else:
            counter.__exit__(None, None, None)
            try:
                yield
            finally:
                counter.__enter__()
            counter.flops += self._flops
