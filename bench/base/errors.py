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

import errno
import sysconfig
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from bench.base.filenames import printable


class BenchError(Exception):
    """An error that its reader can act on.

    Args:
        what: what is wrong, naming the file, cell or argument.
        got: what there was.
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
        super().__init__(printable(f"{sentence}; {remedy}" if remedy else sentence))

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), got=self.got, expected=self.expected, remedy=self.remedy), (self.what,)


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


def unknown(kind: str, name: str, names: Iterable[str]) -> UsageError:
    """Return the error for a name that does not exist, with the closest ones that do."""
    names = sorted(names)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    expected = f"one of {', '.join(names)}" if names else f"nothing: no {kind} is registered"
    remedy = f"did you mean {' or '.join(close)}?" if close else None
    return UsageError(f"unknown {kind} '{name}'", expected=expected, remedy=remedy)


def one_line(error: BaseException) -> str:
    """Return any error as one line; one that is not a `BenchError` begins with its class."""
    message = printable(" ".join(str(error).split())) or "no message"
    return message if isinstance(error, BenchError) else f"{type(error).__name__}: {message}"


def located(error: BaseException) -> str:
    """Return any error as one line with its place in the code that is nobody's installed package, `mine.py:27`."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, BenchError) or not frames:
        return one_line(error)
    installed = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
    own = [frame for frame in frames if not frame.filename.startswith(installed)]
    place = (own or frames)[-1]
    return f"{one_line(error)} ({Path(place.filename).name}:{place.lineno})"


def lacked_memory(error: Exception) -> bool:
    """Return whether an error means too little memory; on a CPU, torch raises a plain RuntimeError."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    on_cpu = isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    return on_cpu or isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
