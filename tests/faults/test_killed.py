"""SIGKILL at random moments of restore, score and report: what the same command then makes is what it always makes.

`FAULT_MOMENTS=20` kills at 20 moments of each stage; by default at one. Moments are uniform over the duration of an
uninterrupted command and come from a seed. Half of the kills hit the command alone, half its process group.
"""

from __future__ import annotations

import logging
import os
import random
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.commands import Command, bench
from tests.conftest import photo
from tests.faults.comparing import count, files, rows, times

MOMENTS = range(int(os.environ.get("FAULT_MOMENTS", "1")))
DONE = "SELECT COUNT(*) FROM cells WHERE status = 'done'"
SCORED = "SELECT COUNT(*) FROM scores JOIN metrics ON metrics.id = metric_id WHERE scope = 'image'"
IMAGES = 6 if len(MOMENTS) < 5 else 30
METRICS = ("psnr", "ssim", "lr_psnr")
METHODS = ("--methods", "nearest,bicubic", "--factor", "16,32", "--images", "0", "--device", "cpu")
COMMANDS = {
    "restored": (
        "run",
        *METHODS,
        "--category",
        "mine=photographs",
        "--metrics",
        "psnr",
        "--threads",
        1,
        "--out",
        "run",
    ),
    "scored": ("score", "run", "--metrics", ",".join(METRICS), "--device", "cpu"),
    "reported": ("report", "run"),
}
log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path | float]:
    """A folder after each stage of uninterrupted commands, and how long each of them took."""
    root = tmp_path_factory.mktemp("whole")
    work, made = root / "work", {}
    (work / "photographs").mkdir(parents=True)
    for seed in range(IMAGES):
        Image.fromarray(photo(seed)).save(work / "photographs" / f"{seed}.png")
    made["empty"] = shutil.copytree(work, root / "empty")
    bench("--version", cwd=work)  # starts the server
    for name, arguments in COMMANDS.items():
        ended = bench(*arguments, cwd=work)
        assert ended.returncode == 0, ended.stderr
        made[f"seconds:{name}"] = ended.seconds
        made[name] = shutil.copytree(work, root / name)
    return made


def _killed_and_continued(whole, tmp_path, stages: tuple[str, str], arguments, index: int) -> Path:
    """Kill a command at the moment of an index, give it again, and return the run; nothing is done twice."""
    before, after = stages
    cut = shutil.copytree(whole[before], tmp_path / "cut")
    run, duration = cut / "run", whole[f"seconds:{after}"]
    moment, with_group = random.Random(f"{after} {index}").uniform(0, duration), bool(index % 2)
    command = Command(*arguments, cwd=cut)
    was_there = command.kill_at(moment, with_group=with_group)
    assert command.left_after(10) == []
    done, scored, pictures = count(run, DONE), count(run, SCORED), times(run, "sr/**/*.png")
    again = bench(*arguments, cwd=cut)
    assert again.returncode == 0, again.stderr
    told = "killed" if was_there else "ended before it could be killed"
    log.info("%s, %s: %s at %.2f of %.2f s,", after, "group" if with_group else "command", told, moment, duration)
    log.info("  with %d cells done and %d values computed", done, scored)
    rewritten = [name for name, then in times(run, "sr/**/*.png").items() if pictures.get(name, then) != then]
    # A picture lies there before its row does: one, at most, is restored once more.
    assert len(pictures) - done in (0, 1)
    assert len(rewritten) == len(pictures) - done
    due = _due(again.stdout)
    assert due.get("nearest", 0) + due.get("bicubic", 0) == count(run, DONE) - done
    # The values of a cell are written together.
    values = [cells * len(title.split(", ")) for title, cells in due.items() if title.startswith("score ")]
    assert sum(values) == count(run, SCORED) - scored
    sound = bench("doctor", "--verify", "run", cwd=cut)
    assert (sound.returncode, "nothing differs" in sound.stdout) == (0, True), sound.stdout
    return run


def _due(said: str) -> dict[str, int]:
    """Return how many steps each stage of a command had: what had not been done."""
    return {title: int(number) for title, number in re.findall(r"^([\w, ]+): (\d+)$", said, re.MULTILINE)}


@pytest.mark.parametrize("index", MOMENTS)
@pytest.mark.parametrize("stages", [("empty", "restored"), ("restored", "scored"), ("scored", "reported")])
def test_the_same_command_makes_the_same_run(whole, tmp_path, stages, index):
    run = _killed_and_continued(whole, tmp_path, stages, COMMANDS[stages[1]], index)
    uninterrupted = whole[stages[1]] / "run"
    assert files(run) == files(uninterrupted)
    assert rows(run) == rows(uninterrupted)
