"""The suite's packages have names that other projects use, too: what hides them is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """import bench
try:
    bench.{call}
except bench.BenchError as error:
    print(error)
"""
OWN = """from bench import Method, Restored
class Mine(Method):
    '''Mine.'''
    name = "mine"
    def restore(self, batch):
        return Restored(batch.lr)
"""
HIDDEN = [
    ("methods.py", "run(['bicubic'], ['t=photos'], factors=[16], metrics=['psnr'], out='run')"),
    ("methods/__init__.py", "run(['./own.py'], factors=[16], metrics=['psnr'], out='run')"),
    ("reports/__init__.py", "report(['run'])"),
]


@pytest.mark.parametrize(("hides", "call"), HIDDEN)
def test_a_package_that_hides_ours_is_named(hides, call, folder, tmp_path):
    path = tmp_path / hides
    path.parent.mkdir(exist_ok=True)
    path.write_text("SCALE = 4\n")
    folder.rename(tmp_path / "photos")
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "script.py").write_text(SCRIPT.format(call=call))
    command = [sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    package = path.relative_to(tmp_path).parts[0].removesuffix(".py")
    expected = f"{path} is found as the package '{package}' that glean-bench installs: expected {ROOT / package}; "
    assert expected in done.stdout, done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "bench", "list", "methods"], cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, expected in done.stderr) == (2, True), done.stderr
