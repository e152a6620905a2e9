"""Every command where something around it is wrong: no traceback, one sentence, an exit code that says which kind.

Tests run as root, whom no mode bits bind: what cannot be written is a mount, or a file where a folder should be.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.commands import Command, Ended, bench
from tests.conftest import photo

RUN = ("run", "--methods", "nearest,bicubic", "--factor", "16", "--metrics", "psnr", "--device", "cpu")
WRITING = {
    "run": (*RUN, "--category", "mine={photos}", "--out", "{place}/run"),
    "score": ("score", "{place}/old", "--metrics", "ssim"),
    "report": ("report", "{old}", "--out", "{place}/page"),
    "figure": ("figure", "{old}", "--out", "{place}/figure"),
    "export": ("export", "{old}", "--to", "{place}/all.csv"),
    "merge": ("merge", "{old}", "--out", "{place}/merged"),
    "methods new": ("methods", "new", "mine", "--folder", "{place}"),
    "metrics new": ("metrics", "new", "mine", "--folder", "{place}"),
    "train": ("train", "glean", "--out", "{place}/trained", "--steps", "latents=1"),
}
READING = {
    "list runs": ("list", "runs", "{place}"),
    "compare": ("compare", "{old}", "{old}", "--all"),
    "doctor": ("doctor",),
    "doctor --verify": ("doctor", "--verify", "{old}"),
    "list methods": ("list", "methods"),
    "info": ("info", "glean"),
    "prepare": ("prepare", "--methods", "nearest", "--category", "mine={photos}", "--metrics", "psnr"),
}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a category whose name and images no console of one byte a letter has."""
    folder = tmp_path_factory.mktemp("old")
    (folder / "photos").mkdir()
    for name in ("网", "é"):
        Image.fromarray(photo(len(name), 64, 96)).save(folder / "photos" / f"{name}.png")
    assert bench(*RUN, "--category", "日本=./photos", "--out", "run", cwd=folder).returncode == 0
    return folder


def given(arguments: tuple[str, ...], old: Path, place: object) -> list[str]:
    return [text.format(place=place, old=old / "run", photos=old / "photos") for text in arguments]


def check(ended: Ended, *codes: int) -> None:
    assert "Traceback" not in ended.stdout + ended.stderr, ended.stderr
    assert ended.returncode in codes, ended.stdout + ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith(("error: ", "Error", "Usage"))]
    assert len(lines) == (1 if ended.returncode == 2 else len(lines)), ended.stderr


def check_well(name: str, arguments: list[str], cwd: Path, place: Path, **more: dict[str, str]) -> None:
    """Check that a command ends well; a training, which takes minutes, is told to end after it has begun."""
    if name != "train":
        check(bench(*arguments, cwd=cwd, **more), 0)
        return
    training = Command(*arguments, cwd=cwd, **more)
    wait_for_file(place / "trained", "*")
    os.kill(training.process.pid, signal.SIGTERM)
    check(training.ended(), 143)


def wait_for_file(folder: Path, pattern: str) -> None:
    """Wait until a command has written a file, then two seconds more."""
    until = time.monotonic() + 60
    while not list(folder.glob(pattern)) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(2)


@pytest.mark.parametrize("name", WRITING)
def test_a_file_where_the_folder_should_be(name: str, old: Path, tmp_path: Path) -> None:
    (tmp_path / "place").write_text("")
    check(bench(*given(WRITING[name], old, tmp_path / "place"), cwd=tmp_path), 1, 2)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.parametrize("name", [*WRITING, *READING])
def test_a_disk_that_can_only_be_read(name: str, old: Path, mounted: Path, tmp_path: Path) -> None:
    shutil.copytree(old / "run", mounted / "old")
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    arguments = given({**WRITING, **READING}[name], old, mounted)
    check(bench(*arguments, cwd=tmp_path), *((1, 2) if name in WRITING else (0,)))
    check(bench(*arguments, cwd=tmp_path, env={"BENCH_HOME": str(mounted / "cache")}), 0, 1, 2)


@pytest.mark.parametrize("name", WRITING)
def test_a_disk_that_is_full(name: str, old: Path, mounted: Path, tmp_path: Path) -> None:
    shutil.copytree(old / "run", mounted / "old")
    with (mounted / "fill").open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                break
    ended = bench(*given(WRITING[name], old, mounted), cwd=tmp_path)
    check(ended, 1, 2)
    assert "make room" in ended.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("name", [*WRITING, *READING])
def test_a_console_that_lacks_letters(name: str, encoding: str, old: Path, tmp_path: Path) -> None:
    shutil.copytree(old / "run", tmp_path / "old")
    arguments = given({**WRITING, **READING}[name], old, tmp_path)
    check_well(name, arguments, tmp_path, tmp_path, env={"PYTHONIOENCODING": encoding})


@pytest.mark.parametrize("name", [*WRITING, *READING])
def test_a_path_that_is_not_utf_8(name: str, old: Path, tmp_path: Path) -> None:
    place = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    shutil.copytree(old / "run", Path(place, "old"))
    shutil.copytree(old / "photos", Path(place, "photos"))
    arguments = [
        text.format(place=place, old=old / "run", photos=f"{place}/photos")
        for text in {**WRITING, **READING}[name]
    ]
    check_well(name, arguments, tmp_path, Path(place))


SLOW = """import time
import bench


class Slow(bench.Method):
    name = "slow"

    def restore(self, batch):
        time.sleep(60)


class Sluggish(bench.ImageMetric):
    name, signature, better, reference = "sluggish", "sluggish|v1", bench.Better.LOWER, "none"

    def compare(self, sr, features, factor):
        time.sleep(60)
"""
STOPPED = {
    "run": (
        ("run", "--methods", "./slow.py", "--category", "mine={photos}", "--factor", "16"),
        "lr/x16/mine/*.png",
    ),
    "score": (("score", "{place}", "--metrics", "./slow.py"), ".lock"),
    "train": (("train", "glean", "--out", "{place}", "--steps", "latents=1000"), "*"),
}
"""Commands that are at work for minutes, and the file by which that is known."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", STOPPED)
def test_a_signal_ends_a_command_with_one_sentence(
    name: str, number: int, code: int, old: Path, tmp_path: Path
) -> None:
    arguments, sign = STOPPED[name]
    (tmp_path / "slow.py").write_text(SLOW)
    place = tmp_path / "runs/default"
    if name == "score":
        shutil.copytree(old / "run", place)
        (place / sign).unlink(missing_ok=True)
    running = Command(*given(arguments, old, place), cwd=tmp_path)
    wait_for_file(place, sign)
    os.kill(running.process.pid, number)
    ended = running.ended()
    assert (ended.returncode, "Traceback" in ended.stderr) == (code, False), ended.stderr
    assert ended.stderr.strip() == f"stopped by {signal.Signals(number).name}; the same command goes on from here"
    assert not running.left_after(10)
