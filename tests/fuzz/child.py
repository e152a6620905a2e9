"""The parent's side of `tests.fuzz.worker`: send a job, wait for its answer, no longer than a deadline."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import select
import struct
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
DEADLINE = 30.0
"""Seconds that one input may take; a 64 megapixel image needs a few on a busy core."""
FIRST = 240.0
"""Seconds that the first input of a target may take: torch and spandrel are imported."""


@dataclass(frozen=True)
class Job:
    """One input: a function of `tests.fuzz.targets`, the files that it finds, and its arguments."""

    target: str
    files: dict[str, bytes]
    args: tuple[object, ...] = ()

    def save(self, note: str) -> Path:
        """Keep it in the corpus."""
        coded = {name: base64.b64encode(content).decode() for name, content in self.files.items()}
        text = json.dumps({"target": self.target, "args": self.args, "files": coded, "note": note}, indent=1)
        short = hashlib.sha256(text.encode()).hexdigest()[:8]
        path = CORPUS / f"{self.target}-{short}.json"
        path.write_text(text + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read it back."""
        said = json.loads(path.read_text(encoding="utf-8"))
        files = {name: base64.b64decode(content) for name, content in said["files"].items()}
        return cls(said["target"], files, tuple(said["args"]))


class Broken(AssertionError):
    """A reader did with an input what no reader may do."""


@dataclass
class Child:
    """One worker process, started again whenever an input has killed it."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    _process: subprocess.Popen[bytes] | None = None
    _known: set[str] = field(default_factory=set)

    def run(self, job: Job) -> tuple[str, str]:
        """Return how a reader ended, `good` or `refused`, and what it said.

        Raises:
            Broken: when it ended in another way.
        """
        kind, told, seconds = self._ask(job)
        self.counts[f"{job.target} {kind}"] += 1
        self.slowest = max(self.slowest, seconds)
        if kind not in ("good", "refused"):
            raise Broken(f"{job.target} {kind}: {told}")
        return kind, told

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, job: Job) -> tuple[str, str, float]:
        process = self._process or self._start()
        content = pickle.dumps((job.target, job.files, job.args))
        try:
            process.stdin.write(struct.pack("<I", len(content)) + content)
            process.stdin.flush()
            answer = self._answer(process, DEADLINE if job.target in self._known else FIRST)
        except (BrokenPipeError, EOFError):
            self._process = None
            process.stdin.close()
            return "crashed", f"the process ended with {process.wait()}", 0.0
        if answer is None:
            self.close()
            return "hung", f"no answer in {DEADLINE} s", DEADLINE
        self._known.add(job.target)
        return pickle.loads(answer)

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        if not select.select([process.stdout], [], [], seconds)[0]:
            return None
        if len(size := process.stdout.read(4)) < 4:
            raise EOFError
        return process.stdout.read(struct.unpack("<I", size)[0])

    def _start(self) -> subprocess.Popen[bytes]:
        self._known.clear()
        command = [sys.executable, "-m", "tests.fuzz.worker"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        return self._process
