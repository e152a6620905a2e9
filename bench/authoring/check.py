"""`bench methods check`: runs an adapter on small synthetic images and reports where it breaks the contract.

It runs without the precautions of a worker, which sets the global random generators before each image: a method
that relies on them must be noticed here.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from itertools import product
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from bench.base.errors import BenchError, MethodError, located
from bench.base.method import Method
from bench.base.types import Batch, Category, Size
from bench.images.degradation import make_lr, resize
from bench.images.png import to_tensor
from bench.workers.spawn import without_script

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

_SIDES = (16, 32, 64)
_FACTORS = (16, 32, 64)
_WIDER = 8
"""So many pixels an LR that is not square is wider."""


class Problem(Enum):
    """What can be wrong with an adapter, or with a metric."""

    DOCSTRING = "missing docstring"
    OPTIONS = "unusable options"
    EXCEPTION = "an exception"
    PROCESS = "the process ended"
    NO_INPUT = "no input is accepted"
    NONDETERMINISM = "nondeterminism"
    STATE = "state kept between calls"
    # As `check_result` calls them.
    RESULT = "wrong result"
    SHAPE = "wrong shape"
    DTYPE = "wrong dtype"
    NAN = "values that are not finite"
    RANGE = "wrong range"
    # Of metrics alone.
    SIGNATURE = "unusable declaration"
    DIRECTION = "wrong direction"
    CONSTANT = "a constant"
    REFERENCE = "a reference that is not there"
    MUTATION = "a changed input"


class Finding(NamedTuple):
    """One thing that is wrong, and what would be right."""

    problem: Problem
    sentence: str

    def __str__(self) -> str:
        return f"{self.problem.value}: {self.sentence}"


class Stop(Exception):
    """Ends a check at its first finding, whose fields it is given."""


class _Input(NamedTuple):
    """An image to try."""

    lr: Size
    factor: int

    @property
    def hr(self) -> Size:
        return self.lr[0] * self.factor, self.lr[1] * self.factor


def check(text: str) -> list[Finding]:
    """Check the method that a selection names, in a process of its own; an empty list when all is well.

    Raises:
        BenchError: when the selection names nothing that can be built.
    """
    return in_own_process(_build_and_check, text)


def in_own_process(inspect: Callable[[str], list[Finding]], text: str) -> list[Finding]:
    """Return what an inspection finds in a process of its own, which may end by itself.

    Raises:
        BenchError: as the inspection.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sender, inspect, text), daemon=True)
    with without_script():
        process.start()
    sender.close()
    try:
        answer: list[Finding] | BenchError = receiver.recv()
    except EOFError:
        process.join()
        return [Finding(Problem.PROCESS, f"its process ended by itself, with exit code {process.exitcode}")]
    process.join()
    if isinstance(answer, BenchError):
        raise answer
    return answer


def _serve(connection: Connection, inspect: Callable[[str], list[Finding]], text: str) -> None:
    try:
        connection.send(inspect(text))
    except BenchError as error:
        connection.send(error)
    except Exception as error:
        connection.send([Finding(Problem.EXCEPTION, f"building it failed: {located(error)}")])


def _build_and_check(text: str) -> list[Finding]:
    from bench.registry.methods import build

    return check_method(build(text))


def check_method(method: Method) -> list[Finding]:
    """Check a method in this process; an empty list when all is well.

    It is built twice, and restores four images of the smallest size that it accepts, and one that is not square if
    it accepts that.
    """
    findings = list(_check_declaration(method))
    try:
        _check_behaviour(method)
    except Stop as stop:
        findings.append(Finding(*stop.args))
    return findings


def _check_declaration(method: Method) -> Iterator[Finding]:
    cls = type(method)
    if not (cls.__doc__ or "").strip():
        sentence = f"class {cls.__name__} has no docstring; its first line is what lists show"
        yield Finding(Problem.DOCSTRING, sentence)
    if problem := _options_problem(method):
        yield Finding(Problem.OPTIONS, problem)


def _options_problem(method: Method) -> str | None:
    cls: Any = type(method).Options
    if not dataclasses.is_dataclass(cls) or not isinstance(cls, type):
        return f"Options is {cls!r}, not a dataclass; declare it with @dataclass(frozen=True)"
    if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return "Options can be changed after the method was built; declare it with @dataclass(frozen=True)"
    for field in dataclasses.fields(cls):
        if field.default is field.default_factory is dataclasses.MISSING:
            return f"option {field.name} has no default; a method must work when no option is given"
    if not isinstance(vars(method).get("options"), cls):
        return "the method does not keep its options as self.options, which its identity is made from"
    return None


def _check_behaviour(method: Method) -> None:
    call("assets()", method.assets)
    lightest = _lightest_input(method)
    one, other = (_batch(method, lightest, index) for index in (1, 2))
    adapter, again = _loaded(method), _loaded(method)
    first = _restore(adapter, one)
    if not _restore(again, one).equal(first):
        raise Stop(
            Problem.NONDETERMINISM,
            "two fresh starts made different images of one input and seed; take every random number from a "
            "generator that batch.seeds sets",
        )
    _restore(adapter, other)
    if not _restore(adapter, one).equal(first):
        raise Stop(
            Problem.STATE,
            "an image came out differently after another one was restored; let restore() change nothing on self",
        )
    wider = lightest._replace(lr=(lightest.lr[0], lightest.lr[1] + _WIDER))
    if _refusal(method, wider) is None:
        _restore(adapter, _batch(method, wider, 3))


def _lightest_input(method: Method) -> _Input:
    reason: str | None = None
    squares = [_Input((side, side), factor) for side, factor in product(_SIDES, _FACTORS)]
    for square in sorted(squares, key=lambda square: (square.hr, square)):
        reason = _refusal(method, square)
        if reason is None:
            return square
    sentence = f"supports() accepts no LR of {_SIDES} pixels at factors {_FACTORS}; the last reason was: {reason}"
    raise Stop(Problem.NO_INPUT, sentence)


def _refusal(method: Method, image: _Input) -> str | None:
    return call("supports()", partial(method.supports, image.lr, image.hr, image.factor, _category(method)))


def _category(method: Method) -> Category:
    return Category("check", method.kind)


def _batch(method: Method, image: _Input, index: int) -> Batch:
    """Make a smooth random image, from black to white, and its LR."""
    coarse = np.random.default_rng(index).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    hr = resize(coarse, *image.hr)
    lr = to_tensor(make_lr(hr, image.factor))
    extras = {"hr": to_tensor(hr)} if method.sees_hr else {}
    references = ((to_tensor(hr).flip(3),),) if method.sees_references else ((),)
    return Batch(lr, image.factor, (f"image{index}",), (1_000_003 * index,), _category(method), extras, references)


def _loaded(method: Method) -> Method:
    import torch

    built = call("Adapter(options)", lambda: type(method)(method.options))
    call("load()", lambda: built.load(torch.device("cpu")))
    return built


def _restore(method: Method, batch: Batch) -> Tensor:
    """Restore a copy of a batch, and check the result."""
    from bench.workers.result import check_result

    copy = dataclasses.replace(batch, lr=batch.lr.clone())
    restored = call("restore()", lambda: method.restore(copy))
    try:
        return check_result(restored, batch).sr.clone()
    except MethodError as error:
        raise Stop(Problem(error.what), str(error).removeprefix(f"{error.what}: ")) from error


def call(step: str, function: Callable[[], T]) -> T:
    """Take a step of a check; one that fails ends it."""
    try:
        return function()
    except Exception as error:
        raise Stop(Problem.EXCEPTION, f"{step} failed: {located(error)}") from error
