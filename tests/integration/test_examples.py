"""The examples in the docs run as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_two_methods_are_compared_from_python(tmp_path):
    command = [sys.executable, EXAMPLES / "compare_two_methods.py"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert "bicubic" in process.stdout
    assert (tmp_path / process.stdout.splitlines()[-1]).is_file()
