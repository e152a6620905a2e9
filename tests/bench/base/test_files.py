"""Files are written whole or not at all."""

import subprocess
import sys

import pytest

from bench.base.files import write_atomically


def test_two_processes_may_write_the_same_file(tmp_path):
    path = tmp_path / "deep" / "a.bin"
    code = (
        "import sys; from pathlib import Path; from bench.base.files import write_atomically\n"
        "for _ in range(40): write_atomically(Path(sys.argv[1]), sys.argv[2].encode() * 10_000)"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), letter], stderr=subprocess.PIPE, text=True)
        for letter in "ab"
    ]
    messages = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], messages
    assert path.read_bytes() in (b"a" * 10_000, b"b" * 10_000)
    assert [file.name for file in path.parent.iterdir()] == ["a.bin"]


def test_a_write_that_fails_leaves_the_file_before_and_nothing_else(tmp_path):
    write_atomically(tmp_path / "a.bin", b"before")
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "a.bin", "text")  # type: ignore[arg-type]
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.bin", b"before")]
