"""A researcher's second day: photographs and results of one's own, each fault once, by its kind."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from bench.store.results import Run
from tests.conftest import photo, write_adapter

RUN = ("run", "--factor", "16", "--metrics", "psnr", "--device", "cpu", "--threads", "1", "--category")


def test_images_that_fail_alike_are_one_line_with_a_count(command, in_process, tmp_path):
    """Small, torn and transparent ones under names with spaces, digits and letters of another script."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    Image.fromarray(photo(0)).save(folder / "good.png")
    for place, name in enumerate(("Anna at sea", "IMG_0001", "海")):
        Image.fromarray(photo(place, 40 + place, 50)).save(folder / f"small {name}.png")
        whole = folder / f"torn {name}.png"
        Image.fromarray(photo(place)).save(whole)
        whole.write_bytes(whole.read_bytes()[: 900 + place])
        alpha = np.full((64, 64, 1), 9 * place, np.uint8)
        Image.fromarray(np.concatenate([photo(place), alpha], 2)).save(
            folder / f"{name} clear.webp", lossless=True
        )
    done = command(*RUN, f"mine={folder}", "--methods", "nearest,bicubic")
    assert done.returncode == 1
    arguments = [*RUN, f"mine={folder}", "--methods", "nearest,bicubic"]
    assert shlex.split(Run("runs/default").provenance["commands"][0]["command"])[1:] == arguments
    lines = [line for line in done.stdout.splitlines() if ": error, " in line]
    assert len(lines) == 3
    assert all(line.startswith("  nearest,bicubic mine/") for line in lines)
    assert all("x16 and 2 more: error, image " in line for line in lines), "of three images, whatever the methods"
    assert {word for word in ("too small", "damaged", "alpha") for line in lines if word in line} == {
        "too small",
        "damaged",
        "alpha",
    }


def test_why_a_metric_says_nothing_is_what_is_so(command, in_process, folder, tmp_path):
    """A folder that says nothing of faces may have some; without ground truth nothing can be compared with it."""
    assert command(*RUN, f"old={folder}[lr_only=true]", "--methods", "nearest").returncode == 0
    said = command("score", "runs/default", "--metrics", "psnr,dlib").stdout
    reason = "it compares with a ground truth, and there is none"
    assert f"metric psnr says nothing of old: {reason}" in said
    assert f"metric dlib says nothing of old: {reason}" in said
    assert "runs/default has " in said


def test_the_same_method_under_another_name_is_said_to_be_renamed(command, in_process, folder):
    again = (*RUN, f"mine={folder}", "--methods")
    assert "from now on" not in command(*again, "one=nearest,bicubic").stdout
    said = command(*again, "two=nearest,bicubic").stdout
    assert "one is the same method and is called two from now on" in said
    assert [method.label for method in Run("runs/default").methods] == ["two", "bicubic"]


def test_images_that_a_folder_of_results_lacks_are_one_line(command, in_process, tmp_path):
    """Whatever they are called, in a folder of another tool that has none of them under these names."""
    for name in ("Anna at sea", "DSC 12 (copy)", "me [crop]", "2024/IMG_1", "café", "a", "100%"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(len(name))).save(tmp_path / "mine" / f"{name}.png")
    (tmp_path / "SR").mkdir()
    Image.fromarray(photo(1)).save(tmp_path / "SR" / "other.png")
    done = command(*RUN, "mine=./mine", "--methods", "theirs=folder:SR")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  theirs mine/")]
    assert " x16 and 6 more: error, there is no image for mine/" in line


def test_a_file_that_is_gone_is_not_to_be_removed(command, in_process, folder, tmp_path):
    command(*RUN, f"mine={folder}", "--methods", "nearest")
    lr = tmp_path / "runs" / "default" / "lr" / "x16" / "mine"
    for name in "ab":
        (lr / f"{name}.png").unlink()
    done = command("score", "runs/default", "--metrics", "lr_psnr", "--device", "cpu")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  nearest mine/a x16 and 1 more")]
    assert ": no lr_psnr, " in line
    assert line.endswith("a.png is not there; give the `bench run` command again, which makes what is missing")
    again = command(*RUN, f"mine={folder}", "--methods", "nearest")
    assert " is not there" not in again.stdout
    results = Run("runs/default").frame
    assert results[results.metric != "seconds"].value.notna().all()
    assert len(list(lr.iterdir())) == 3


def test_names_of_ones_own_stand_in_every_table_and_figure(command, in_process, folder, tmp_path):
    results = tmp_path / "SR"
    results.mkdir()
    for name in "abc":
        Image.fromarray(photo(ord(name))).save(results / f"{name}.png")
    write_adapter(tmp_path / "net.py")
    methods = "Plain=nearest,Theirs_v2=folder:SR,Über=./net.py"
    assert command(*RUN, f"mine={folder}", "--methods", methods).returncode == 0
    results = Run("runs/default").frame
    costs = results[results.metric.isin(["seconds", "peak_memory_mb", "parameters_m", "gmacs"])]
    assert {*costs.method} == {"Plain", "Über"}, "what is only read costs nothing"
    assert command("figure", "runs/default", "--out", "figure").returncode == 0
    assert command("export", "runs/default", "--to", "all.tex").returncode == 0
    assert command("report", "runs/default").returncode == 0
    for tex in ("figure.tex", "all.tex"):
        source = Path(tex).read_text(encoding="utf-8")
        assert all(name in source for name in ("Plain", r"Theirs\_v2", "ber"))
        assert not any(name in source for name in ("Nearest", "nearest", "SR &", "net.py"))


def test_a_file_of_a_modules_name_in_the_working_folder_hides_nothing(folder, tmp_path):
    for module in ("types", "random"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('hidden')\n")
    script = Path(sys.executable).with_name(
        "bench"
    )  # unlike `python -c`, it does not look into the working folder
    arguments = [script, *RUN, f"mine={folder}", "--methods", "nearest", "--images", "1"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
