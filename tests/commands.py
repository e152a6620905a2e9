"""Commands as processes that can be killed: each is forked from a server that has torch imported.

Of an ordinary command most of the time goes into imports; a moment drawn over its duration would mostly hit those.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

IS_FULL = "FAULT_MOMENTS" in os.environ
"""Whether every fault is tried, and not only one of each kind: that takes a quarter of an hour."""
BENCH = [sys.executable, "-c", "from bench.cli import main; main()"]
SERVER = multiprocessing.get_context("forkserver")
PRELOADED = (
    "bench.cli",
    "bench.pipeline.run",
    "bench.pipeline.verify",
    "bench.workers.local",
    "bench.metrics.ssim",
    "reports.page.site",
)
SERVER.set_forkserver_preload([*PRELOADED])


class Ended(NamedTuple):
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float


class Command:
    """A `bench` command under way, the leader of a session of its own."""

    def __init__(
        self,
        *arguments: object,
        cwd: Path,
        limits: dict[int, int] | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        env = {**os.environ, "COLUMNS": "200", **(env or {})}
        self._said = Path(tempfile.mkdtemp(prefix="said-"))
        weakref.finalize(self, shutil.rmtree, self._said, ignore_errors=True)
        texts = [str(argument) for argument in arguments]
        self.process = SERVER.Process(
            target=_be_the_command, args=(texts, str(cwd), str(self._said), limits or {}, env)
        )
        self.process.start()
        while not (self._said / "err").exists() and self.process.is_alive():
            time.sleep(0.001)
        self._begun = time.monotonic()

    def ended(self, timeout: float = 300) -> Ended:
        """Wait for the end."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"still at work after {timeout} s"
        out, err = ((self._said / name).read_text(errors="replace") for name in ("out", "err"))
        return Ended(self.process.exitcode, out, err, time.monotonic() - self._begun)

    def kill_at(self, moment: float, *, with_group: bool) -> bool:
        """Send SIGKILL at a moment, to the command alone or to its whole group; say whether it was still there."""
        self.process.join(max(0.0, self._begun + moment - time.monotonic()))
        if self.process.exitcode is not None:
            return False
        with suppress(ProcessLookupError):
            (os.killpg if with_group else os.kill)(self.process.pid, signal.SIGKILL)
        self.process.join()
        return self.process.exitcode == -signal.SIGKILL

    def left(self) -> Iterator[psutil.Process]:
        """Yield the processes of the command's session that live on."""
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, psutil.Error):
                if os.getsid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def left_after(self, seconds: float) -> list[psutil.Process]:
        """Return the processes that live on, when some still do after so long."""
        until = time.monotonic() + seconds
        while (left := list(self.left())) and time.monotonic() < until:
            time.sleep(0.05)
        return left


def bench(
    *arguments: object,
    cwd: Path,
    limits: dict[int, int] | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 300,
) -> Ended:
    """Run a command to its end."""
    return Command(*arguments, cwd=cwd, limits=limits, env=env).ended(timeout)


def fresh_bench(*arguments: object, cwd: Path, env: dict[str, str]) -> Ended:
    """Run a command to its end in an interpreter that starts with it: for what is decided by imports."""
    begun = time.monotonic()
    command = [*BENCH, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)


def children(pid: int, name: str) -> list[psutil.Process]:
    """Return the child processes with a name in their command line."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if any(name in part for part in child.cmdline()):
                found.append(child)
    return found


def _be_the_command(
    arguments: list[str], cwd: str, said: str, limits: dict[int, int], env: dict[str, str]
) -> None:
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    os.environ["GIT_DIR"] = os.devnull  # a run records its commit: somebody may commit while the tests run
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{said}/{name}", os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", encoding=env.get("PYTHONIOENCODING", "utf-8")) for n in (1, 2))
    _limit(limits)
    sys.argv = ["bench", *arguments]
    sys.modules["__main__"] = types.ModuleType("__main__")  # workers must not import pytest's
    from bench.cli import main

    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _limit(limits: dict[int, int]) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for what, much in limits.items():
        resource.setrlimit(what, (much, much))
