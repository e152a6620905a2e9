"""The README and the other guides tell the truth: their commands exist, options parse, snippets run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer

from bench.cli import app
from tests.commands import bench

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT, ROOT / "docs", ROOT / "datasets", ROOT / "methods"]
TEXTS = sorted(str(path.relative_to(ROOT)) for folder in GUIDES for path in folder.glob("*.md"))


def commands(text):
    return [line.split("#")[0].strip() for line in re.findall(r"^\s+(bench .+)$", text, re.M)]


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_parses(name):
    root = typer.main.get_command(app)
    found = commands((ROOT / name).read_text(encoding="utf-8"))
    assert found or name != "README.md"
    for line in found:
        arguments = shlex.split(line)[1:]
        command = root
        while isinstance(command, click.Group) or hasattr(command, "commands"):
            assert arguments[0] in command.commands, line
            command = command.commands[arguments.pop(0)]
        with command.make_context(line, arguments, resilient_parsing=False):
            pass


def test_make_targets_exist():
    text, makefile = (
        (ROOT / "README.md").read_text(encoding="utf-8"),
        (ROOT / "Makefile").read_text(encoding="utf-8"),
    )
    targets = re.findall(r"^    make (\w+)", text, re.M)
    assert {"demo", "check"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)
    assert "make check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_python_snippet_runs_on_a_real_run(folder, tmp_path):
    given = ["--methods", "nearest,bicubic", "--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr"]
    assert bench("run", *given, "--device", "cpu", cwd=tmp_path).returncode == 0
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "bicubic" in done.stdout
    assert (tmp_path / "figure.tex").is_file()
    assert "bicubic" in (tmp_path / "results.csv").read_text(encoding="utf-8")


def test_links_and_pictures_are_there():
    for name in TEXTS:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"
