"""`bench doctor --verify`: an untouched run passes; a changed pixel, a lost file and a changed value are each named."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from bench.images.png import load_png
from tests.commands import bench
from tests.conftest import photo, write_adapter

GIVEN = ("--methods", "nearest,bicubic", "--factor", "16", "--metrics", "psnr,lr_psnr", "--device", "cpu")


@pytest.fixture
def run(folder, tmp_path):
    done = bench("run", *GIVEN, "--category", f"mine={folder}", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


def test_a_run_is_what_it_was_until_somebody_touches_it(run, tmp_path):
    untouched = bench("doctor", "--verify", "run", cwd=tmp_path)
    assert untouched.returncode == 0, untouched.stderr
    assert "run: nothing differs" in untouched.stdout

    changed = run / "sr" / "nearest" / "x16" / "mine" / "a.png"
    pixels = load_png(changed).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(changed)
    lost = run / "lr" / "x16" / "mine" / "b.png"
    lost.unlink()
    cut = run / "hr" / "mine" / "c.png"
    cut.write_bytes(cut.read_bytes()[:200])
    with closing(sqlite3.connect(run / "results.db")) as database, database:
        (row,) = database.execute(
            "SELECT cell_id, metric_id FROM scores JOIN metrics ON metrics.id = metric_id JOIN cells ON cells.id = cell_id"
            " JOIN methods ON methods.id = method_id JOIN inputs ON inputs.id = input_id JOIN images ON images.id = image_id"
            " WHERE metrics.name = 'psnr' AND slug = 'bicubic' AND images.name = 'b'"
        )
        database.execute("UPDATE scores SET value = value + 0.001 WHERE cell_id = ? AND metric_id = ?", row)
    done = bench("doctor", "--verify", "run", cwd=tmp_path)
    assert done.returncode == 1
    output = done.stdout
    assert "nearest/x16/mine/a.png: its pixels are not those that the run recorded" in output
    assert "lr/x16/mine/b.png: it is missing" in output
    assert "hr/mine/c.png: it cannot be read" in output
    assert "bicubic mine/b x16: psnr is" in output
    assert "run: 4 files or values differ" in output


def test_a_damaged_database_is_named(run, tmp_path):
    database = run / "results.db"
    content = bytearray(database.read_bytes())
    content[4096:8192] = np.random.default_rng(0).bytes(4096)
    database.write_bytes(content)
    done = bench("doctor", "--verify", "run", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert "results.db" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_run_is_refused(tmp_path):
    done = bench("doctor", "--verify", "nothing", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_cell_that_is_in_no_table_is_named_with_the_reason(command, folder, in_process, tmp_path):
    adapter = write_adapter(tmp_path / "mine.py")
    given = (
        "run",
        "--methods",
        "bicubic,./mine.py",
        "--category",
        f"t={folder}",
        "--metrics",
        "psnr",
        "--threads",
        "1",
    )
    limited = ("run", "--methods", "nearest", "--category", f"t={folder}", "--images", "1", "--metrics", "psnr")
    assert command(*given, "--factor", "16").returncode == 0
    assert command(*limited, "--factor", "32").returncode == 0
    slug = next((tmp_path / "runs" / "default" / "sr").glob("mine*")).name
    (folder / "b.png").unlink()
    Image.fromarray(photo(77)).save(folder / "c.png")
    Image.fromarray(photo(78)).save(folder / "0.png")
    write_adapter(adapter, "sr = sr * 0.5")
    assert command(*given, "--factor", "16").returncode == 0
    assert command(*limited, "--factor", "32").returncode == 0
    done = command("doctor", "--verify", "runs/default")
    another, gone = "its method is another by now", "the source of its category no longer lists its image"
    changed, unasked = "its image has another content by now", "no command asks for it any more"
    reasons = {
        **{f"{slug} t/{name} x16": another for name in "abc"},
        "bicubic t/b x16": gone,
        "bicubic t/c x16": changed,
        "nearest t/a x32": unasked,
    }
    heading, *lines = done.stdout.splitlines()[: len(reasons) + 1]
    assert heading == "kept on disk, and in no table: 6"
    assert sorted(lines) == sorted(f"  {cell}: {reason}" for cell, reason in reasons.items())
    assert "runs/default: nothing differs" in done.stdout
    assert done.returncode == 0
