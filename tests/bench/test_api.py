"""The public names of `bench`: which there are, what they cost to import, and a benchmark from Python."""

from __future__ import annotations

import ast
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench.store.store import Store
from reports.export import export
from tests.conftest import write_adapter

PUBLIC = {
    *("run", "score", "report", "figure", "export", "read_results", "Run", "Status"),
    *("Method", "Batch", "Restored", "Needs", "Category", "Cell", "Pixels", "Size"),
    *("Bank", "Latents", "NoiseMaps", "Synthesis", "plugin_bank"),
    *("ImageMetric", "SetMetric", "SetFeatures", "SetValue", "Better", "Source"),
    *("Asset", "Address", "ByHand", "Wheel", "fetch", "is_here"),
    *("BenchError", "AssetError", "ImageError", "MethodError", "StoreError", "Unavailable", "UsageError"),
}
SMALL = {"factors": [16], "metrics": ["psnr"], "device": "cpu", "threads": 1}


def test_the_public_names_are_these():
    assert set(bench.__all__) == PUBLIC
    assert len(bench.__all__) == len(PUBLIC) <= 40
    assert bench.__version__[0].isdigit()
    for name in PUBLIC - {"NoiseMaps", "Pixels", "Size", "Latents"}:
        assert getattr(bench, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = bench.nothing


def test_type_checkers_see_the_same_names_from_the_same_modules():
    stub = ast.parse(Path(bench.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imported = {
        alias.asname: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert {*imported} == PUBLIC
    modules = {
        name: getattr(bench, name).__module__
        for name in imported
        if name not in ("NoiseMaps", "Pixels", "Size", "Latents")
    }
    assert modules == {name: imported[name] for name in modules}


def test_the_import_is_cheap():
    """Less than 0.1 s of processor time more than a bare interpreter, median of nine."""

    def seconds(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    added = [seconds("import bench") - seconds("pass") for _ in range(9)]
    assert statistics.median(added) < 0.1


def test_a_benchmark_from_python(folder, tmp_path, capfd):
    """Run, score again and report: nothing is printed, and a failed cell does not raise."""
    adapter = write_adapter(tmp_path / "mine.py", "if batch.images[0] == 'b': raise ValueError('broken')")
    categories = [f"album={folder}"]
    run = bench.run(["nearest", f"mine={adapter}"], categories, out=tmp_path / "run", **SMALL)
    assert run.outcomes == {bench.Status.DONE: 5, bench.Status.ERROR: 1}
    (failed,) = run.failed_cells
    assert (failed.method, failed.image, failed.reason) == ("mine", "b", "ValueError: broken (mine.py:26)")
    assert set(bench.read_results(run).metric) >= {"psnr", "seconds"}
    assert "bench.run(['nearest', 'mine=" in run.provenance["commands"][0]["command"]
    scored = bench.score(tmp_path / "run", ["lr_psnr"], device="cpu")
    assert "lr_psnr" in set(scored.frame.metric)
    page = bench.report([tmp_path / "run"])
    assert page == tmp_path / "run" / "report" / "index.html"
    assert page.is_file()
    again = bench.run(["nearest"], categories, out=tmp_path / "run", **SMALL)
    assert again.outcomes == {bench.Status.DONE: 3}
    assert capfd.readouterr().out == ""


def test_a_script_that_has_no_guard_is_run_once(folder, tmp_path):
    """Workers begin anew, and do not import the script that asked for them."""
    text = f"""
import bench

print("once")
run = bench.run(["nearest"], ["album={folder}"], factors=[16], metrics=["psnr"], out="run", workers=2, device="cpu")
print(len(bench.read_results(run).query("metric == 'psnr'")), "values")
"""
    (tmp_path / "script.py").write_text(text)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n3 values\n", "")


def test_a_folder_of_other_files_is_not_made_a_run(folder, tmp_path):
    with pytest.raises(
        bench.StoreError, match=r"is no run folder: got a\.png, b\.png, c\.png, expected a run, or noth"
    ):
        bench.run(["nearest"], [f"album={folder}"], out=folder, **SMALL)
    assert len([*folder.iterdir()]) == 3


def test_a_page_and_an_export_of_some_methods_and_metrics(folder, tmp_path):
    """Their means are over the images that these have in common."""
    adapter = write_adapter(tmp_path / "mine.py", "if batch.images[0] == 'b': raise ValueError('broken')")
    given = SMALL | {"metrics": ["psnr", "ssim"]}
    run = bench.run(["nearest", "bicubic", f"mine={adapter}"], [f"album={folder}"], out=tmp_path / "run", **given)
    page = bench.report([run], methods=["bicubic", "nearest"], metrics=["ssim"])
    table = (page.parent / "tables" / "leaderboard.md").read_text()
    assert "Means over 3 of 3 images" in table
    every = bench.report([run]).parent / "tables" / "leaderboard.md"
    assert "Means over 2 of 3 images" in every.read_text()
    assert "PSNR" not in table
    assert "mine" not in table
    assert table.index("Bicubic") < table.index("Nearest")
    export(run, tmp_path / "some.csv", ["nearest"], ["ssim"])
    frame = pd.read_csv(tmp_path / "some.csv")
    assert set(frame["method"]) == {"nearest"}
    assert set(frame["metric"]) & {"psnr", "ssim", "seconds"} == {"ssim", "seconds"}
    with pytest.raises(bench.UsageError, match=r"unknown method 'nearst'.*did you mean nearest"):
        bench.report([run], methods=["nearst"])
    with pytest.raises(bench.UsageError, match="unknown metric 'lpips'"):
        bench.report([run], metrics=["lpips"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": ["bicubik"]}, "unknown method 'bicubik'.*did you mean bicubic"),
        ({"metrics": ["pnsr"]}, "unknown metric 'pnsr'.*did you mean psnr"),
        ({"metrics": "psnr"}, r"metrics: got the text 'psnr', expected a list; give \['psnr'\]"),
        ({"methods": "nearest"}, "methods: got the text 'nearest', expected a list"),
        ({"factors": [1]}, "factors: got 1, expected whole numbers of at least 2"),
        ({"device": "tpu"}, "device: got tpu, expected auto, cpu or cuda"),
        ({"redo": "some"}, "redo: got some, expected failed or all"),
        ({"executor": "slurm"}, "executor: got slurm, expected local or ray"),
        ({"address": "here:1"}, "address here:1 needs the executor ray"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_written(folder, tmp_path, arguments, message):
    given = {"methods": ["nearest"], "categories": [f"album={folder}"], **SMALL, **arguments}
    with pytest.raises(bench.UsageError, match=message):
        bench.run(**given, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_cannot_be_scored(tmp_path):
    with pytest.raises(bench.StoreError, match="is not a run folder"):
        bench.score(tmp_path / "run", ["psnr"])
    assert not (tmp_path / "run").exists()
    with Store(tmp_path / "run"), pytest.raises(bench.StoreError, match="in use by another process"):
        bench.score(tmp_path / "run", ["psnr"], device="cpu")
