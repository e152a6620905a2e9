"""The examples in the docs run as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from tests.commands import bench

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str, *arguments: object, folder: Path) -> list[str]:
    """Run an example and return the lines that it prints."""
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


def test_two_methods_are_compared_from_python(tmp_path):
    *table, page, figure = example("compare_two_methods.py", folder=tmp_path)
    assert "bicubic" in "\n".join(table)
    assert (tmp_path / page).is_file()
    assert [(tmp_path / name).suffix for name in figure.split() if (tmp_path / name).is_file()] == [
        ".pdf",
        ".png",
        ".tex",
    ]
    assert "\\begin{table}" in (tmp_path / "runs/example/leaderboard.tex").read_text()


@pytest.mark.parametrize(("kind", "file"), [("methods", "sharpened.py"), ("metrics", "gradient_error.py")])
def test_a_method_and_a_metric_of_ones_own_pass_the_check(kind, file, tmp_path):
    checked = bench(kind, "check", EXAMPLES / file, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_ones_own_portraits_are_aligned_and_restored(tmp_path):
    pytest.importorskip("dlib", reason="the extra `identity` is not installed")
    (tmp_path / "portraits").mkdir()
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "portraits" / "a.jpg")
    *table, page = example("own_portraits.py", "portraits", 128, folder=tmp_path)
    assert any(line.split()[:3] == ["bicubic", "16", "psnr"] for line in table)
    assert (tmp_path / page).is_file()
    with Image.open(tmp_path / "runs/portraits/hr/me/a.png") as aligned:
        assert aligned.size == (128, 128)
