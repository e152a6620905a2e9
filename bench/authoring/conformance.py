"""Does an adapter keep the contract of a method? Found out by running it on small synthetic images.

It runs without the precautions that the suite takes (a worker sets the global random generators before each
image), so that a method which leans on them is found.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from itertools import product, starmap
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from bench.base.errors import BenchError
from bench.base.method import Method
from bench.base.types import Batch, Category, Restored
from bench.images.degradation import make_lr, resize
from bench.images.png import to_tensor

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

SIDES = (16, 32, 64)
FACTORS = (16, 32, 64)


class Problem(Enum):
    """What can be wrong with an adapter."""

    DOCSTRING = "missing docstring"
    OPTIONS = "unusable options"
    EXCEPTION = "an exception"
    PROCESS = "the process ended"
    NO_INPUT = "no input is accepted"
    RESULT = "wrong result"
    SHAPE = "wrong shape"
    DTYPE = "wrong dtype"
    NAN = "not finite"
    RANGE = "wrong range"
    NONDETERMINISM = "nondeterminism"
    STATE = "state kept between calls"


class Finding(NamedTuple):
    """One thing that is wrong, and what would be right."""

    problem: Problem
    sentence: str

    def __str__(self) -> str:
        return f"{self.problem.value}: {self.sentence}"


class _Found(Exception):
    def __init__(self, problem: Problem, sentence: str) -> None:
        super().__init__(sentence)
        self.finding = Finding(problem, sentence)


class _Input(NamedTuple):
    """The size of what an adapter is tried on."""

    side: int
    factor: int

    @property
    def output(self) -> int:
        return self.side * self.factor


def check(text: str) -> list[Finding]:
    """Check the method that a selection names, in a process of its own; an empty list when all is well.

    Raises:
        BenchError: when the selection names nothing that can be built.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, text), daemon=True)
    process.start()
    theirs.close()
    try:
        answer: list[Finding] | BenchError = ours.recv()
    except EOFError:
        process.join()
        return [Finding(Problem.PROCESS, f"its process ended by itself, with exit code {process.exitcode}")]
    process.join()
    if isinstance(answer, BenchError):
        raise answer
    return answer


def _serve(connection: Connection, text: str) -> None:
    from bench.registry.methods import create

    try:
        method = create(text).method
    except BenchError as error:
        connection.send(error)
    except Exception as error:
        connection.send([Finding(Problem.EXCEPTION, f"building it raised {_said(error)}")])
    else:
        connection.send(check_method(method))


def check_method(method: Method) -> list[Finding]:
    """Check a method in this process; an empty list when all is well.

    It is built twice, and restores four images of the smallest size that it accepts.
    """
    findings = list(_check_declaration(method))
    try:
        _check_behaviour(method)
    except _Found as found:
        findings.append(found.finding)
    return findings


def _check_declaration(method: Method) -> Iterator[Finding]:
    cls = type(method)
    if not (cls.__doc__ or "").strip():
        yield Finding(
            Problem.DOCSTRING, f"class {cls.__name__} has no docstring; its first line is what lists show"
        )
    if problem := _options_problem(method):
        yield Finding(Problem.OPTIONS, problem)


def _options_problem(method: Method) -> str | None:
    cls = getattr(type(method), "Options", None)
    if not dataclasses.is_dataclass(cls) or not isinstance(cls, type):
        return f"Options is {cls!r}, not a dataclass; declare it with @dataclass(frozen=True)"
    if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return "Options can be changed after the method was built; declare it with @dataclass(frozen=True)"
    missing = dataclasses.MISSING
    for field in dataclasses.fields(cls):
        if field.default is missing and field.default_factory is missing:
            return f"option {field.name} has no default; a method must work when nothing is chosen"
    if not isinstance(getattr(method, "options", None), cls):
        return "the method does not keep its options as self.options, which its identity is made from"
    return None


def _check_behaviour(method: Method) -> None:
    _call("assets()", method.assets)
    size = _lightest_input(method)
    one, other = (_batch(method, size, index) for index in (1, 2))
    adapter, again = _loaded(method), _loaded(method)
    first = _restore(adapter, one)
    if not _restore(again, one).equal(first):
        raise _Found(
            Problem.NONDETERMINISM,
            "two fresh starts made different images of one input and seed; take every random number from a "
            "generator that batch.seeds sets",
        )
    _restore(adapter, other)
    if not _restore(adapter, one).equal(first):
        raise _Found(
            Problem.STATE,
            "an image came out differently after another one was restored; let restore() change nothing on self",
        )


def _lightest_input(method: Method) -> _Input:
    reason: str | None = None
    for size in sorted(starmap(_Input, product(SIDES, FACTORS)), key=lambda size: (size.output, size)):
        lr, hr = (size.side, size.side), (size.output, size.output)
        reason = _call("supports()", partial(method.supports, lr, hr, size.factor, _category(method)))
        if reason is None:
            return size
    sentence = f"supports() accepts no LR of {SIDES} pixels at factors {FACTORS}; the last reason was: {reason}"
    raise _Found(Problem.NO_INPUT, sentence)


def _category(method: Method) -> Category:
    return Category("check", getattr(method, "kind", None))


def _batch(method: Method, size: _Input, index: int) -> Batch:
    """Make a smooth random image, from black to white, and its LR."""
    coarse = np.random.default_rng(index).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    hr = resize(coarse, size.output, size.output)
    lr = to_tensor(make_lr(hr, size.factor))
    extras = {"hr": to_tensor(hr)} if getattr(method, "sees_hr", False) else {}
    return Batch(lr, size.factor, (f"image{index}",), (1_000_003 * index,), _category(method), extras)


def _loaded(method: Method) -> Method:
    import torch

    options = getattr(method, "options", None)
    built: Method = _call("Adapter(options)", lambda: type(method)(options))  # type: ignore[call-arg]
    _call("load()", lambda: built.load(torch.device("cpu")))
    return built


def _restore(method: Method, batch: Batch) -> Tensor:
    """Restore a copy of a batch, and check the result by itself."""
    given = dataclasses.replace(batch, lr=batch.lr.clone())
    restored: Any = _call("restore()", lambda: method.restore(given))
    if not isinstance(restored, Restored):
        got = type(restored).__name__
        raise _Found(Problem.RESULT, f"restore() returned {got}, expected bench.base.Restored(sr)")
    sr = _checked(restored.sr, batch)
    values = _call("reading Restored.values", lambda: list(restored.values))
    if len(values) not in (0, len(batch.images)):
        got = f"{len(values)} mappings of values for {len(batch.images)} images"
        raise _Found(Problem.RESULT, f"restore() returned {got}, expected one an image, or none")
    return sr.clone()


def _checked(sr: Any, batch: Batch) -> Tensor:
    import torch

    if not isinstance(sr, torch.Tensor):
        raise _Found(Problem.RESULT, f"Restored.sr is of type {type(sr).__name__}, expected a torch.Tensor")
    count, _, height, width = batch.lr.shape
    shape = (count, 3, height * batch.factor, width * batch.factor)
    if tuple(sr.shape) != shape:
        raise _Found(Problem.SHAPE, f"the result has shape {tuple(sr.shape)}, expected {shape}: (N, 3, H, W)")
    if sr.dtype != torch.float32:
        raise _Found(Problem.DTYPE, f"the result is of {sr.dtype}, expected torch.float32; end with .float()")
    if not bool(sr.isfinite().all()):
        bad = int((~sr.isfinite()).sum())
        raise _Found(Problem.NAN, f"{bad} of the result's {sr.numel()} values are NaN or infinite, expected none")
    low, high = float(sr.min()), float(sr.max())
    if low < 0 or high > 1:
        raise _Found(Problem.RANGE, f"the result reaches from {low:.3g} to {high:.3g}, expected [0, 1]; clamp it")
    return sr


def _call(step: str, function: Callable[[], T]) -> T:
    try:
        return function()
    except Exception as error:
        raise _Found(Problem.EXCEPTION, f"{step} raised {_said(error)}") from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
