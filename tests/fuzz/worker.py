"""A process of its own that reads what it is sent, watched: python -m tests.fuzz.worker

It takes jobs on its standard input and answers on its standard output. While a job runs, its memory is limited
(RLIMIT_AS) and an audit hook tells of every file, process and connection: what lies outside the job's own folder
may be neither written nor read, and nothing may be started.
"""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import struct
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

MEMORY = 768 << 20
"""Bytes that one job may take beyond what the process has. An image of 64 megapixels takes more: see `targets`."""
EXHAUSTED = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "std::bad_alloc")

ROOT = Path(__file__).parents[2]
READABLE = [
    Path(path).resolve()
    for path in (ROOT, sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/usr", "/etc/mime.types")
]
STARTING = ("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn")
REACHING = ("socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request", "webbrowser.open")
CHANGING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes what a job must not do; it cannot be swallowed by an `except` of the code under test."""

    def __init__(self, box: Path) -> None:
        self.box, self.on, self.found = box, False, []
        self.programs: tuple[str, ...] = ()
        self.hosts: tuple[object, ...] = ()
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if not self.on:
            return
        self.on = False
        try:
            if wrong := self._wrong(event, args):
                self.found.append(wrong)
        finally:
            self.on = True

    def _wrong(self, event: str, args: tuple[object, ...]) -> str | None:
        if event in STARTING or (event == "subprocess.Popen" and os.fsdecode(args[0]) not in self.programs):
            return f"{event} {args!r:.300}"
        if event in REACHING and not any(host in repr(args) for host in self.hosts):
            return f"{event} {args!r:.300}"
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            return self._opened(os.fsdecode(args[0]), args[1], args[2])
        if event in CHANGING:
            return next((wrong for path in args[:2] if (wrong := self._outside(event, path))), None)
        return None

    def _opened(self, path: str, mode: object, flags: object) -> str | None:
        writes = isinstance(flags, int) and flags & WRITING
        place = Path(os.path.realpath(path))
        if place.is_relative_to(self.box) or path == os.devnull:
            return None
        if writes:
            return f"writes {path}"
        return None if any(place.is_relative_to(root) for root in READABLE) else f"reads {path}"

    def _outside(self, event: str, path: object) -> str | None:
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        parent = Path(os.path.realpath(Path(os.fsdecode(path)).parent))
        return None if parent.is_relative_to(self.box) else f"{event} {os.fsdecode(path)}"


def main() -> None:
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.set_int_max_str_digits(4300)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as base:
        box = Path(base).resolve() / "box"
        (Path(base) / "secret.png").write_bytes(b"not to be read")
        os.environ |= {"BENCH_HOME": str(box / "home"), "TMPDIR": str(box / "tmp"), "HOME": str(box / "home")}
        tempfile.tempdir = str(box / "tmp")
        watch = Watch(box)
        known: set[str] = set()
        while size := jobs.read(4):
            name, files, args = pickle.loads(jobs.read(struct.unpack("<I", size)[0]))
            answer = pickle.dumps(_run(watch, known, name, files, args))
            answers.write(struct.pack("<I", len(answer)) + answer)
            answers.flush()


def _run(
    watch: Watch, known: set[str], name: str, files: dict[str, bytes], args: tuple[object, ...]
) -> tuple[object, ...]:
    from tests.fuzz import targets

    target = getattr(targets, name)
    if name not in known:  # what a first call imports is neither the input's memory nor its doing
        known.add(name)
        getattr(targets, f"{name}_imports", lambda: None)()
    _fill(watch.box, files)
    watch.found = []
    _limit(getattr(targets, f"{name}_memory", MEMORY))
    begin, before = time.monotonic(), _peak(reset=True)
    try:
        kind, told = _outcome(watch, target, args)
    finally:
        _limit(None)
    if kind == "memory" and getattr(targets, f"{name}_reserves", False):
        kind = "refused"
    if (more := _peak() - before) > getattr(targets, f"{name}_memory", MEMORY):
        kind, told = "memory", f"{more >> 20} MiB, {told}"
    if watch.found:
        kind, told = "unsafe", "; ".join(dict.fromkeys(watch.found))
    return kind, told, time.monotonic() - begin


def _fill(box: Path, files: dict[str, bytes]) -> None:
    os.chdir("/")
    shutil.rmtree(box, ignore_errors=True)
    for folder in (box, box / "home", box / "tmp"):
        folder.mkdir()
    for name, content in files.items():
        (box / name).parent.mkdir(parents=True, exist_ok=True)
        (box / name).write_bytes(content)
    os.chdir(box)


def _limit(more: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (hard if more is None else taken + more, hard))


def _peak(*, reset: bool = False) -> int:
    """Return the most memory that was in use, since it was last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def _outcome(watch: Watch, target: object, args: tuple[object, ...]) -> tuple[str, str]:
    from bench.base.errors import BenchError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            watch.on = True
            told = target(watch, watch.box, *args)  # type: ignore[operator]
        except BenchError as error:
            watch.on = False
            return ("memory" if _is_exhausted(error) else "refused"), f"{type(error).__name__}: {error}"
        except BaseException as error:
            watch.on = False
            trace = "".join(traceback.format_exception(error)[-8:])
            return ("memory" if _is_exhausted(error) else "escaped"), trace[-1500:]
        finally:
            watch.on = False
    return "good", str(told)


def _is_exhausted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError) or any(words in str(error) for words in EXHAUSTED):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    main()
