"""Damaged files of a run: one sentence or one failed cell, never another image's value; removed, they are made again."""

from __future__ import annotations

import random
import shutil

import pandas as pd
import pytest

import bench as package
from tests.commands import IS_FULL, bench
from tests.conftest import write_photos
from tests.faults.comparing import files

PAGE = 4096
GIVEN = ("--factor", "16", "--metrics", "psnr", "--device", "cpu", "--out", "run")


def command(folder, methods: str):
    return ("run", "--methods", methods, "--category", f"mine={folder}", *GIVEN)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run that was scored but for ssim."""
    work = tmp_path_factory.mktemp("damage")
    write_photos(work / "photographs")
    ended = bench(*command("photographs", "nearest"), cwd=work)
    assert ended.returncode == 0, ended.stderr
    return work


@pytest.fixture
def work(made, tmp_path):
    """A copy of it."""
    return shutil.copytree(made, tmp_path / "work")


def damage(path) -> None:
    """Cut a PNG, but for the last image of the run: its middle is garbage."""
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] if path.stem != "c" else content[:half] + random.Random(0).randbytes(half))


def cells(run, metric: str) -> pd.DataFrame:
    frame = package.read_results(run)
    return frame[frame.metric == metric].set_index(["method", "image"])


@pytest.mark.parametrize("image", ["a", *(["c"] if IS_FULL else [])])
def test_damaged_pictures_cost_their_cells_and_are_made_again(work, image):
    """SR and HR are read by a metric; LR by the next method. The report is drawn all the same."""
    run, before = work / "run", files(work / "run")
    damaged = [run / part / "mine" / f"{image}.png" for part in ("hr", "lr/x16", "sr/nearest/x16")]
    for path in damaged:
        damage(path)
    scored = bench("score", "run", "--metrics", "ssim,lr_psnr", "--device", "cpu", cwd=work)
    assert scored.returncode == 0, scored.stderr
    for metric in ("ssim", "lr_psnr"):
        rows = cells(run, metric)
        assert rows.value.isna().sum() == 1
        reason = rows.loc[("nearest", image), "reason"]
        assert f"{image}.png cannot be read: " in reason
        assert "remove it and give `bench run` again with --redo failed" in reason
    restored = bench(*command("photographs", "nearest,bicubic"), cwd=work)
    assert restored.returncode == 1, restored.stderr
    assert f"lr/x16/mine/{image}.png cannot be read: " in restored.stdout
    reported = bench("report", "run", cwd=work)
    assert reported.returncode == 0, reported.stderr
    sick = bench("doctor", "--verify", "run", cwd=work)
    assert sick.returncode == 1
    assert all(f"{path.relative_to(work)}: it cannot be read" in sick.stdout for path in damaged)
    for path in damaged:
        path.unlink()
    again = bench(*command("photographs", "nearest,bicubic"), "--redo", "failed", cwd=work)
    assert again.returncode == 0, again.stderr
    assert (
        bench(
            "score", "run", "--metrics", "ssim,lr_psnr", "--device", "cpu", "--redo", "failed", cwd=work
        ).returncode
        == 0
    )
    results = package.read_results(run)
    assert not results[results.metric != "seconds"].value.isna().any()
    sound = bench("doctor", "--verify", "run", cwd=work)
    assert sound.returncode == 0, sound.stdout
    after = files(run)
    assert all(after[name] == content for name, content in before.items() if name.endswith(".png"))


@pytest.mark.parametrize("seed", range(20 if IS_FULL else 2))
def test_a_damaged_database_is_one_sentence_or_named_by_the_doctor(work, seed):
    """Bytes are flipped anywhere in its middle: a page, or a few of them."""
    database, rng = work / "run" / "results.db", random.Random(seed)
    content = bytearray(database.read_bytes())
    size = rng.choice([16, 256, PAGE])
    begin = rng.randrange(PAGE, len(content) - size)
    content[begin : begin + size] = (byte ^ 0xFF for byte in content[begin : begin + size])
    database.write_bytes(content)
    for given in (("doctor", "--verify", "run"), ("report", "run"), command("photographs", "nearest")):
        ended = bench(*given, cwd=work)
        assert "Traceback" not in ended.stderr, ended.stderr
        if ended.returncode == 2:
            assert ended.stderr.startswith("error: "), ended.stderr
            assert ended.stderr.count("\n") == 1, ended.stderr
