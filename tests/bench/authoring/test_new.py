"""A new adapter: found, checked, and a working method after a small edit."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

import pytest

from bench.authoring.check import Problem, check_method
from bench.authoring.new import new, new_metric
from bench.base.errors import UsageError
from bench.registry.methods import build
from tests.methods.common import batch, restored

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"

FILLED = """\
        rows = batch.lr.repeat_interleave(batch.factor, dim=2)
        return Restored(rows.repeat_interleave(batch.factor, dim=3))
"""


def test_as_written_it_says_what_to_do(tmp_path):
    path = new("my_method", tmp_path)
    assert path == tmp_path / "my_method.py"
    assert len(path.read_text().splitlines()) <= 20
    method = build(str(path))
    assert method.name == "my_method"
    (finding,) = check_method(method)
    assert finding.problem is Problem.EXCEPTION
    assert finding.sentence == "restore() failed: fill me in"


def test_a_few_lines_make_it_work(tmp_path):
    path = new("mine", tmp_path)
    before = path.read_text()
    path.write_text(before.replace('        raise MethodError("fill me in")\n', FILLED))
    changed = [
        line for line in difflib.ndiff(before.splitlines(), path.read_text().splitlines()) if line[0] in "+-"
    ]
    assert 0 < len(changed) <= 15
    assert check_method(build(str(path))) == []
    lr = batch(16)
    assert restored(path, lr).equal(restored("nearest", lr))


def test_it_is_clean_for_the_linter(tmp_path):
    """In the project's own configuration, but for the argument that an empty method does not use."""
    path = new("mine", tmp_path)
    for check in (["format", "--check"], ["check", "--ignore", "ARG002"]):
        command = [sys.executable, "-m", "ruff", *check, "--config", str(PYPROJECT), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["", "my-method", "My", "2x", "class", "../mine", "a b"])
def test_a_name_that_cannot_be_a_module_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot name a method: expected small letters"):
        new(name, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    path = new("mine", tmp_path)
    path.write_text("hours of work")
    with pytest.raises(UsageError, match=r"mine\.py is there already; choose another name"):
        new("mine", tmp_path)
    assert path.read_text() == "hours of work"


@pytest.mark.parametrize(("write", "name"), [(new, "bicubic"), (new_metric, "psnr")])
def test_the_name_of_another_one_is_refused(tmp_path, write, name):
    with pytest.raises(UsageError, match=f"there is a m.* called {name}; choose another name"):
        write(name, tmp_path)
    assert not any(tmp_path.iterdir())
