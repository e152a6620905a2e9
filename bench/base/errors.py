"""What can go wrong, as one tree. Every message is one sentence: what, got, expected, remedy.

BenchError
├── UsageError          the command, a selection, an option or a card cannot mean anything (exit 2)
├── ImageError          one image cannot be used; the others can
├── MethodError         one method cannot be loaded, or broke its contract
├── AssetError          a weight or data file cannot be had, or is not the declared one
├── Unavailable         a metric, source or extra cannot be used here; carries the remedy
└── StoreError          a run folder cannot be used
    ├── RunLocked       another process works on it
    └── RunMismatch     it was made with other constants
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from difflib import get_close_matches


class BenchError(Exception):
    """An error that a person can act on.

    Args:
        what: what is wrong, naming the file, cell or argument.
        got: what was found.
        expected: what would have been right.
        remedy: what to do now.
    """

    def __init__(
        self, what: str, *, got: object = None, expected: object = None, remedy: str | None = None
    ) -> None:
        self.what, self.got, self.expected, self.remedy = what, got, expected, remedy
        clauses = [f"got {got}"] if got is not None else []
        clauses += [f"expected {expected}"] if expected is not None else []
        sentence = f"{what}: {', '.join(clauses)}" if clauses else what
        super().__init__(f"{sentence}; {remedy}" if remedy else sentence)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.got, self.expected, self.remedy)


def _rebuild(kind: type[BenchError], what: str, got: object, expected: object, remedy: str | None) -> BenchError:
    return kind(what, got=got, expected=expected, remedy=remedy)


class UsageError(BenchError):
    """The command, a selection, an option or a card cannot mean anything."""


class ImageError(BenchError):
    """One image cannot be used; the others can."""


class MethodError(BenchError):
    """One method cannot be loaded, or broke its contract."""


class AssetError(BenchError):
    """A weight or data file cannot be had, or is not the declared one."""


class Unavailable(BenchError):
    """A metric, source or extra cannot be used here; the remedy says what would change that."""


class StoreError(BenchError):
    """A run folder cannot be used."""


class RunLocked(StoreError):
    """Another process works on the run folder."""


class RunMismatch(StoreError):
    """The run folder was made with other constants than this command has."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that nobody registered, with the closest names there are."""
    known = sorted(known)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    expected = f"one of {', '.join(known)}" if known else f"nothing: no {kind} is registered"
    remedy = f"did you mean {' or '.join(close)}?" if close else None
    return UsageError(f"unknown {kind} '{name}'", expected=expected, remedy=remedy)


def one_line(error: BaseException) -> str:
    """Return any error as one line; those of other code with their kind."""
    told = " ".join(str(error).split()) or "no message"
    return told if isinstance(error, BenchError) else f"{type(error).__name__}: {told}"


def lacked_memory(error: Exception) -> bool:
    """Say whether an error is one of memory; torch raises a plain RuntimeError on a CPU."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    on_cpu = isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    return on_cpu or isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
