"""The outermost place: whatever ends a command becomes one sentence and an exit code, never a traceback.

0: all is done. 1: some cells failed, or a file cannot be had. 2: wrong use, or a place that cannot be used. 128
and a signal's number: stopped by it. With `--debug` or BENCH_DEBUG=1 the traceback comes first.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import typer

from bench.assets.declare import home
from bench.base.errors import AssetError, BenchError, lacked_memory, one_line

_IS_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_IS_GONE = {errno.ENOENT, errno.ESTALE, errno.EIO}
DEBUG = "BENCH_DEBUG"


def run_guarded(command: Callable[[], object]) -> None:
    """Run a command; whatever it raises is said in one sentence on stderr, then the process exits."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # a console that lacks a letter must not end a command
    try:
        try:
            command()
        finally:
            sys.stdout.flush()  # here, a full disk behind it is still an error that can be said
    except Exception as error:
        if os.environ.get(DEBUG):
            traceback.print_exc()
        sentence, code = _ended_by(error)
        typer.echo(f"error: {sentence}", err=True)
        sys.exit(code)


def _stop(number: int, _: FrameType | None) -> None:
    # SystemExit unwinds the stack, which ends the workers too; the default handler would leave them restoring.
    name = signal.Signals(number).name
    for again in (signal.SIGINT, signal.SIGTERM):  # `timeout` sends two, and people press twice
        signal.signal(again, lambda later, _: os._exit(128 + later))
    os.write(2, f"stopped by {name}; the same command goes on from here\n".encode())  # a handler may not print
    sys.exit(128 + number)


def _ended_by(error: Exception) -> tuple[str, int]:
    if isinstance(error, BenchError):
        return str(error), 1 if isinstance(error, AssetError) else 2
    if lacked_memory(error):
        return f"too little memory: {one_line(error)}; use fewer --threads or --workers, or smaller images", 1
    if isinstance(error, OSError):
        return _of_system(error), 2
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}, line {where.lineno}"
    remedy = "this is a fault of glean-bench; please report it with what --debug shows"
    return f"{one_line(error)} ({place}); {remedy}", 1


def _of_system(error: OSError) -> str:
    """Say what cannot be read or written, and which setting moves it."""
    path = Path(os.fsdecode(error.filename2 or error.filename or ""))
    where = f" {path}" if error.filename else ""
    if error.errno in _IS_FULL:
        remedy = "nothing that was finished is lost; make room and give the same command again"
    elif path.is_relative_to(home()) or home().is_relative_to(path):
        remedy = "name another folder for downloads with BENCH_HOME=FOLDER"
    elif error.errno in _IS_GONE:
        remedy = "check that it is there and that its disk is connected"
    else:
        remedy = "name another folder with --out, or work in one that can be written"
    what = "cannot write" if error.errno in _IS_FULL else "cannot use"
    return f"{what}{where}: {error.strerror or one_line(error)}; {remedy}"
