"""The outermost place: one command a condition; `tests/faults/test_conditions.py` tries all of them."""

import errno
import io
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from bench.cli import boundary


def ended(raised, capsys):
    def command():
        raise raised

    with pytest.raises(SystemExit) as caught:
        boundary.run_guarded(command)
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    return caught.value.code, said


@pytest.fixture(autouse=True)
def handlers(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own


@pytest.mark.parametrize(
    ("place", "number", "words"),
    [
        ("CACHE/assets/x", errno.EROFS, "BENCH_HOME=FOLDER"),
        ("CACHE/assets", errno.ENOTDIR, "BENCH_HOME=FOLDER"),
        ("elsewhere/f.csv", errno.EACCES, "--out"),
        ("elsewhere/f.csv", errno.ENOSPC, "make room"),
        ("elsewhere/f.csv", errno.ESTALE, "that its disk is connected"),
    ],
)
def test_a_place_that_cannot_be_used_names_the_setting_that_moves_it(place, number, words, capsys, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", "CACHE")
    code, said = ended(OSError(number, os.strerror(number), place), capsys)
    assert (code, said.count("\n")) == (2, 1)
    assert place in said
    assert words in said


def test_a_fault_of_our_own_is_one_sentence_and_debug_shows_the_rest(capsys, monkeypatch):
    code, said = ended(KeyError("what\never"), capsys)
    assert (code, said.count("\n")) == (1, 1)
    assert "KeyError" in said
    assert "test_boundary.py, line" in said
    monkeypatch.setenv(boundary.DEBUG, "1")
    with pytest.raises(SystemExit):
        boundary.run_guarded(lambda: {}["absent"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_said_and_is_the_exit_code(number, code, capfd):
    with pytest.raises(SystemExit) as caught:
        boundary._stop(number, None)
    assert caught.value.code == code
    assert capfd.readouterr().err.startswith(f"stopped by {signal.Signals(number).name}")


def test_a_second_signal_ends_at_once_and_says_nothing():
    """At the worst moment: while the interpreter ends, where an exception of a handler would print a traceback."""
    code = """
import atexit, os, signal
from bench.cli.boundary import run_guarded
atexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))
run_guarded(lambda: os.kill(os.getpid(), signal.SIGTERM))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 143
    assert done.stderr == "stopped by SIGTERM; the same command goes on from here\n"


def test_a_file_where_the_cache_should_be(command, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "cache"))
    done = command("prepare", "--methods", "esrgan")
    assert done.returncode in (1, 2)
    assert "BENCH_HOME" in done.stdout + done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_that_lacks_letters(command, tmp_path, monkeypatch, encoding):
    (tmp_path / "网").mkdir()
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stderr", stream)
    assert command("run", "--methods", "bicubic", "--category", "a=网").returncode == 2
    stream.flush()
    said = stream.buffer.getvalue()
    assert b"\\u7f51" in said or "网".encode() in said  # click takes ASCII for a mistake, and writes UTF-8


def test_a_folder_whose_name_is_not_utf_8(command, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    pathlib.Path(folder).mkdir()
    done = command("run", "--methods", "bicubic", "--category", f"a={folder}")
    assert done.returncode == 2
    assert "no image in" in done.stderr
