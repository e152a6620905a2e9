"""The main job through the real command line: every fault costs one cell, and the same command continues."""

import json
import re
import signal
import time
from functools import partial

import numpy as np
import psutil
import pytest
from PIL import Image

import bench as package
from bench.images.degradation import make_lr
from bench.images.png import load_png, pixel_digest
from tests.commands import Command, bench, children
from tests.conftest import photo, write_adapter

COSTS = {"seconds", "peak_memory_mb"}


def values(run):
    """The long table without what may differ between two runs: the costs."""
    frame = package.read_results(run)
    return frame[~frame.metric.isin(COSTS)].reset_index(drop=True)


def files(root):
    return {p.relative_to(root): (p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*") if p.is_file()}


def run_small(command, folder, *more, methods="nearest,bicubic", out="run"):
    options = [
        "--methods",
        methods,
        "--category",
        f"mine={folder}",
        "--factor",
        "16,32",
        "--metrics",
        "psnr,lr_psnr",
    ]
    return command("run", *options, "--device", "cpu", "--out", out, *more)


@pytest.mark.usefixtures("in_process")
def test_a_run_is_made_continued_and_left_alone(command, folder, tmp_path):
    done = run_small(command, folder, methods="nearest,bicubic,hr")
    assert done.returncode == 0, done.stderr
    assert "18 done" in done.stdout
    run = tmp_path / "run"
    for name in "abc":
        hr = load_png(run / "hr" / "mine" / f"{name}.png")
        assert np.array_equal(hr, np.asarray(Image.open(folder / f"{name}.png")))
        assert np.array_equal(load_png(run / "lr" / "x16" / "mine" / f"{name}.png"), make_lr(hr, 16))
        assert pixel_digest(load_png(run / "sr" / "hr" / "x16" / "mine" / f"{name}.png")) == pixel_digest(hr)
    before = files(run)
    again = run_small(command, folder, methods="nearest,bicubic,hr")
    assert again.returncode == 0
    assert "18 done" in again.stdout
    assert files(run) == before
    frame = package.read_results(run)
    assert list(frame.columns) == [
        *("method", "category", "factor", "image", "repeat", "metric", "value", "signature", "status", "reason")
    ]
    assert (frame[frame.metric == "psnr"].groupby("method").value.mean()["hr"]) == 100
    operations = frame[frame.metric == "gmacs"].groupby("method").value.agg(["min", "count"])
    # Of the first image of each factor; none is no number, as other libraries than torch are not counted.
    assert operations["count"].to_dict() == {"bicubic": 2}
    assert operations.loc["bicubic", "min"] > 0
    assert [method.approach for method in package.Run(run).methods] == [
        "single pass",
        "single pass",
        "upper bound",
    ]
    assert json.loads((run / "run.json").read_text())["cells"] == {"done": 18}


FAULTS = {
    "raises": (r"raise ValueError('broken\nhere')", "error", "ValueError: broken here"),
    "nan": ("sr = sr / 0 * 0", "error", "not finite"),
    "size": ("sr = sr[:, :, 1:]", "error", r"wrong shape: got .*, expected \(1, 3, 64, 64\)"),
    "range": ("sr = sr * 255", "error", "wrong range"),
    "dtype": ("sr = sr.double()", "error", "wrong dtype"),
    "exits": ("os._exit(3)", "error", r"ended by itself \(exit code 3\)"),
    "killed": ("os.kill(os.getpid(), 9)", "out_of_memory", "signal 9"),
    "hangs": ("time.sleep(60)", "timeout", "longer than 3 s"),
    "memory": ("raise MemoryError('no 9 GB')", "out_of_memory", "no 9 GB"),
}


def test_every_fault_costs_one_cell(folder, tmp_path):
    """A method fails on images in as many ways as there are; what is restored between and after them is done."""
    for index, name in enumerate(FAULTS):
        Image.fromarray(photo(index)).save(folder / f"{name}.png")
    cases = (f"if batch.images[0] == '{name}':\n            {body}" for name, (body, *_) in FAULTS.items())
    write_adapter(tmp_path / "frail.py", "\n        ".join(cases), "frail")
    options = [
        "--methods",
        "nearest,frail=./frail.py",
        "--category",
        f"mine={folder}",
        "--factor",
        "16",
        "--metrics",
        "psnr",
    ]
    done = bench("run", *options, "--device", "cpu", "--timeout", 3, "--out", "run", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    frame = package.read_results(tmp_path / "run")
    cells = frame.drop_duplicates(["method", "image"]).set_index(["method", "image"])
    for name, (_, status, reason) in FAULTS.items():
        assert cells.loc[("frail", name), "status"] == status, name
        assert re.search(reason, cells.loc[("frail", name), "reason"]), cells.loc[("frail", name), "reason"]
        assert f"  frail mine/{name} x16: {status}, " in done.stdout
    assert {*cells.loc["frail"].loc[[*"abc"], "status"], *cells.loc["nearest", "status"]} == {"done"}


@pytest.mark.usefixtures("in_process")
def test_an_edited_method_never_reads_a_stale_result(command, folder, tmp_path):
    path = write_adapter(
        tmp_path / "mine.py", "if batch.images[0] == 'b':\n            raise ValueError('broken')"
    )
    assert run_small(command, folder, methods="mine=./mine.py").returncode == 1
    assert run_small(command, folder, methods="mine=./mine.py").returncode == 1, "failures are kept"
    write_adapter(path, "sr = sr * 0.5")
    assert run_small(command, folder, methods="mine=./mine.py").returncode == 0
    frame = package.read_results(tmp_path / "run")
    assert (frame.status == "done").all()
    halved = sorted((tmp_path / "run" / "sr").glob("mine-*/x16/mine/a.png"))
    whole = tmp_path / "run" / "sr" / "mine" / "x16" / "mine" / "a.png"
    assert np.allclose(load_png(halved[0]), load_png(whole) * 0.5, atol=0.5)


def test_a_method_that_cannot_be_loaded_fails_alone(folder, tmp_path):
    write_adapter(tmp_path / "mine.py", members="def load(self, device):\n    open('gone')")
    done = run_small(partial(bench, cwd=tmp_path), folder, methods="./mine.py,bicubic")
    assert done.returncode == 1
    frame = package.read_results(tmp_path / "run")
    reasons = frame[frame.status == "error"].reason.unique()
    assert list(reasons) == [
        "cannot be loaded: FileNotFoundError: [Errno 2] No such file or directory: 'gone' (mine.py:22)"
    ]
    assert (frame[frame.method == "bicubic"].status == "done").all()


@pytest.mark.usefixtures("in_process")
def test_unusable_images_cost_their_cells(command, folder, tmp_path):
    (folder / "d.png").write_bytes(b"")
    Image.fromarray(photo(9, 60, 64)).save(folder / "e.png")
    done = run_small(command, folder, "--images", "0", methods="bicubic")
    assert done.returncode == 1
    frame = (
        package.read_results(tmp_path / "run").drop_duplicates(["image", "factor"]).set_index(["image", "factor"])
    )
    assert "d.png" in frame.loc[("d", 16), "reason"]
    assert "got 64x60, expected sides of at least 64; give prepare=mod-crop:32" in frame.loc[("e", 16), "reason"]
    assert frame.loc[("a", 32), "status"] == "done"


GIVEN = ("--category", "mine={folder}", "--factor", "16,32", "--metrics", "psnr,lr_psnr", "--device", "cpu")


def test_sigterm_ends_the_worker_too(folder, tmp_path):
    write_adapter(tmp_path / "slow.py", name="slow")
    options = [part.format(folder=folder) for part in GIVEN]
    process = Command("run", "--methods", "./slow.py[wait=60]", *options, "--out", "run", cwd=tmp_path).process
    workers: list[psutil.Process] = []
    while not workers or time.time() - workers[0].create_time() < 3:
        assert process.is_alive()
        workers = children(process.pid, "spawn_main")
        time.sleep(0.05)
    process.terminate()
    process.join(30)
    assert process.exitcode == 128 + signal.SIGTERM
    assert not psutil.wait_procs(workers, timeout=10)[1]


@pytest.mark.usefixtures("in_process")
def test_a_second_process_on_one_run_is_refused(command, folder, tmp_path):
    from bench.store.store import Store

    with Store(tmp_path / "run"):
        refused = run_small(command, folder)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: run is in use by another process")


@pytest.mark.usefixtures("in_process")
def test_another_seed_is_another_run(command, folder, tmp_path):
    assert run_small(command, folder, methods="bicubic").returncode == 0
    refused = run_small(command, folder, "--seed", "7", methods="bicubic")
    assert refused.returncode == 2
    assert "made with another value of seed: got 7, expected 0" in refused.stderr


@pytest.mark.usefixtures("in_process")
def test_a_run_of_other_categories_is_given_no_sampled_faces_unasked(command, folder, tmp_path):
    assert run_small(command, folder, methods="bicubic").returncode == 0
    refused = command("run", "--methods", "nearest", "--factor", "16", "--device", "cpu", "--out", "run")
    assert refused.returncode == 2
    assert "no category is named: got a run of mine" in refused.stderr
    assert "--category" in refused.stderr
    assert [category.name for category in package.Run(tmp_path / "run").categories] == ["mine"]


@pytest.mark.usefixtures("in_process")
def test_repeats_are_seeded_apart(command, folder, tmp_path):
    write_adapter(tmp_path / "noisy.py", "sr = sr * 0 + torch.rand(1)", "noisy")
    options = ["--methods", "./noisy.py", "--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr"]
    assert (
        command("run", *options, "--repeats", 2, "--images", 1, "--device", "cpu", "--out", "run").returncode == 0
    )
    first, second = sorted((tmp_path / "run" / "sr").rglob("a*.png"))
    assert second.name == "a@2.png"
    assert not np.array_equal(load_png(first), load_png(second))


@pytest.mark.usefixtures("in_process")
def test_an_lr_only_folder_is_restored(command, folder, tmp_path):
    options = [
        "--methods",
        "bicubic,hr",
        "--category",
        f"old={folder}[lr_only=true]",
        "--factor",
        "4",
        "--images",
        "1",
    ]
    done = command("run", *options, "--metrics", "psnr,lr_psnr", "--device", "cpu", "--out", "run")
    assert done.returncode == 0, done.stderr
    frame = package.read_results(tmp_path / "run")
    assert load_png(tmp_path / "run" / "sr" / "bicubic" / "x4" / "old" / "a.png").shape == (256, 256, 3)
    assert "psnr" not in set(frame.metric)
    assert frame[frame.metric == "lr_psnr"].value.item() > 40
    assert "needs the ground truth" in frame[frame.method == "hr"].reason.item()


@pytest.mark.usefixtures("in_process")
def test_a_method_that_needs_a_gpu_is_not_begun_without_one(command, folder, tmp_path):
    write_adapter(tmp_path / "wide.py", name="wide", members="needs = Needs(gpu=True)")
    done = run_small(command, folder, methods="./wide.py")
    assert done.returncode == 0, done.stderr
    frame = package.read_results(tmp_path / "run")
    assert set(frame.reason) == {"it needs a GPU, and the device of this run is the CPU"}
    assert set(frame.status) == {"skipped"}


@pytest.mark.usefixtures("in_process")
def test_merge_and_score_later(command, folder, tmp_path):
    for name, factor in (("one", 16), ("two", 32)):
        options = ["--methods", "bicubic", "--category", f"mine={folder}", "--factor", factor, "--metrics", "psnr"]
        assert command("run", *options, "--device", "cpu", "--out", name).returncode == 0
    assert "merged 6 cells" in command("merge", "one", "two", "--out", "both").stdout
    scored = command("score", "both", "--metrics", "psnr,lr_psnr", "--device", "cpu")
    assert "score lr_psnr: 6" in scored.stdout
    assert "score psnr" not in scored.stdout
    frame = package.read_results(tmp_path / "both")
    assert frame.groupby(["factor", "metric"]).size()[[(16, "psnr"), (32, "psnr"), (16, "lr_psnr")]].tolist() == [
        3,
        3,
        3,
    ]
    assert len(list((tmp_path / "both" / "sr").rglob("*.png"))) == 6


@pytest.mark.usefixtures("in_process")
def test_an_edited_image_is_restored_again(command, folder, tmp_path):
    assert run_small(command, folder, methods="bicubic").returncode == 0
    before = files(tmp_path / "run" / "sr")
    Image.fromarray(photo(77)).save(folder / "b.png")
    again = run_small(command, folder, methods="bicubic")
    assert again.returncode == 0, again.stderr
    after = files(tmp_path / "run" / "sr")
    assert {path: after[path] for path in before} == before  # what was made stays on disk
    assert {path.stem.partition("~")[0] for path in after.keys() - before.keys()} == {"b"}
    (edited,) = (tmp_path / "run" / "hr" / "mine").glob("b~*.png")
    assert np.array_equal(load_png(edited), photo(77))
