"""What several test modules share: the real command line, and small categories made of generated images."""

from __future__ import annotations

import signal
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from bench.assets.declare import home

MARKS = {
    "bench/pipeline": "slow",
    "bench/workers/test_local.py": "slow",
    "bench/workers/test_ray.py": "ray",
    "faults": "slow",
    "fuzz": "fuzz",
    "integration": "slow",
    "methods/shared/banks/test_released.py": "slow",
    "methods/shared/inversion": "slow",
    "methods/shared/training": "slow",
    "methods/test_dfdnet.py": "slow",
    "methods/test_dgp.py": "slow",
    "methods/test_esrgan_plus.py": "slow",
    "methods/test_face_restorers.py": "slow",
    "methods/test_glean.py": "slow",
    "methods/test_idinvert.py": "slow",
    "methods/test_mganprior.py": "slow",
    "methods/test_published_glean.py": "slow",
    "methods/test_published_idinvert.py": "slow",
    "methods/test_pulse.py": "slow",
    "methods/test_singan.py": "slow",
    "perf": "perf",
    "reports/page/test_large_page.py": "perf",
    "scripts": "slow",
}
"""The mark of every test in a folder or file; what uses the fixture `browser` is marked `browser`."""
LONG = ("integration/test_*.py", "workers/test_ray.py", "training/test_processes.py")
"""Few tests, minutes each: they come first, then the files by the number of their tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests as `MARKS` says, and order their files so that processes which take turns end together."""
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        for place in (path, *path.parents):
            if mark := MARKS.get(place.as_posix()):
                item.add_marker(mark)
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: (not any(map(item.path.match, LONG)), -counts[item.path], item.path))


@pytest.fixture(scope="session", autouse=True)
def _in_float32():
    """Let trainings compute in float32 on every processor: figures are compared, and accelerate has one state a process."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cpu, "get_capabilities", dict)
        yield


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's cache folder for what is fetched, and none of its own for what else a command notes there."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("assets", "wheels"):
        (home() / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to((home() / name).resolve())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_HOME", str(folder))
        yield


class Finished(NamedTuple):
    """What a command left when it ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in `tmp_path` and in this process: for what needs no process of its own."""
    from bench.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own handlers

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Finished(ended.value.code, *capsys.readouterr())

    return run


def photo(seed: int, height: int = 64, width: int = 64) -> np.ndarray:
    """Return a smooth random image: low frequencies as in a photograph, and some noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.float64)
    return np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).round().astype(np.uint8)


def write_photos(folder: Path, names: str = "abc") -> Path:
    """Make a folder with a 64 x 64 image for each letter."""
    folder.mkdir()
    for seed, name in enumerate(names):
        Image.fromarray(photo(seed)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three 64 x 64 images."""
    return write_photos(tmp_path / "photographs")


ADAPTER = '''"""An adapter of a test."""

import os
import time
from dataclasses import dataclass

import torch

from bench import Method, Needs, Restored


class Adapter(Method):
    """A method of a test."""

    name = "{name}"

    @dataclass(frozen=True)
    class Options:
        wait: float = 0.0

{members}

    def restore(self, batch):
        time.sleep(self.options.wait)
        sr = batch.lr.repeat_interleave(batch.factor, 2).repeat_interleave(batch.factor, 3)
        {body}
        return Restored(sr)
'''


def write_adapter(path: Path, body: str = "pass", name: str = "mine", members: str = "") -> Path:
    """Write an adapter that enlarges by repetition, with a body that changes the result, and members of its class."""
    text = ADAPTER.format(name=name, body=body, members=textwrap.indent(members, " " * 4))
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore in this process, as a worker does, and leave its commit and its machine out of what a run records."""
    from bench.store import provenance
    from bench.workers import local
    from bench.workers.sandbox import sandbox

    class InProcess:
        def __init__(self, role, settings):
            self.role, self.settings, self.servant = role, settings, None

        def answer(self, job):
            with sandbox():
                self.servant = self.servant or self.role(self.settings)
                return self.servant.answer(job)

        def stop(self):
            """Nothing was started."""

    monkeypatch.setattr(local, "LocalWorker", InProcess)
    monkeypatch.setattr(provenance, "describe", lambda command, device, threads: {"command": command})
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within a second would not be seen
