"""The main job through the real command line: every fault costs one cell, and the same command continues."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import numpy as np
import psutil
from PIL import Image

import bench as package
from bench.images.degradation import make_lr
from bench.images.png import load_png, pixel_digest
from tests.conftest import BENCH, bench, photo, write_adapter

COSTS = {"seconds", "peak_memory_mb"}


def values(run):
    """The long table without what may differ between two runs: the costs."""
    frame = package.read_results(run)
    return frame[~frame.metric.isin(COSTS)].reset_index(drop=True)


def files(root):
    return {p.relative_to(root): (p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*") if p.is_file()}


def run_small(folder, cwd, *more, methods="nearest,bicubic", out="run"):
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
    return bench("run", *options, "--device", "cpu", "--out", out, *more, cwd=cwd)


def test_a_run_is_made_continued_and_left_alone(folder, tmp_path):
    done = run_small(folder, tmp_path, methods="nearest,bicubic,hr")
    assert done.returncode == 0, done.stderr
    assert "18 done" in done.stdout
    run = tmp_path / "run"
    for name in "abc":
        hr = load_png(run / "hr" / "mine" / f"{name}.png")
        assert np.array_equal(hr, np.asarray(Image.open(folder / f"{name}.png")))
        assert np.array_equal(load_png(run / "lr" / "x16" / "mine" / f"{name}.png"), make_lr(hr, 16))
        assert pixel_digest(load_png(run / "sr" / "hr" / "x16" / "mine" / f"{name}.png")) == pixel_digest(hr)
    before = files(run)
    again = run_small(folder, tmp_path, methods="nearest,bicubic,hr")
    assert again.returncode == 0
    assert "18 done" in again.stdout
    assert files(run) == before
    frame = package.read_results(run)
    assert list(frame.columns) == [
        *("method", "category", "factor", "image", "repeat", "metric", "value", "signature", "status", "reason")
    ]
    assert (frame[frame.metric == "psnr"].groupby("method").value.mean()["hr"]) == 100
    operations = frame[frame.metric == "gmacs"].groupby("method").value.agg(["max", "count"])
    assert operations.loc[["hr", "nearest"]].to_numpy().tolist() == [
        [0, 2],
        [0, 2],
    ]  # of the first image of each factor
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


def test_every_fault_costs_one_cell_and_is_redone_when_asked(folder, tmp_path):
    """Each method fails on image b alone; the others of its cells and of the run are done."""
    for name, (body, _, _) in FAULTS.items():
        write_adapter(tmp_path / f"{name}.py", f"if batch.images[0] == 'b':\n            {body}", name)
    methods = ",".join(["nearest", *(f"{name}=./{name}.py" for name in FAULTS)])
    options = ["run", "--methods", methods, "--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr"]
    done = bench(*options, "--device", "cpu", "--timeout", 3, "--out", "run", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    frame = package.read_results(tmp_path / "run")
    cells = frame.drop_duplicates(["method", "image"]).set_index(["method", "image"])
    for name, (_, status, reason) in FAULTS.items():
        assert cells.loc[(name, "b"), "status"] == status, name
        assert re.search(reason, cells.loc[(name, "b"), "reason"]), cells.loc[(name, "b"), "reason"]
        assert f"  {name} mine/b x16: {status}, " in done.stdout
        assert list(cells.loc[[(name, "a"), (name, "c")], "status"]) == ["done", "done"]
    assert (cells.loc["nearest", "status"] == "done").all()


def test_an_edited_method_never_reads_a_stale_result(folder, tmp_path):
    path = write_adapter(
        tmp_path / "mine.py", "if batch.images[0] == 'b':\n            raise ValueError('broken')"
    )
    assert run_small(folder, tmp_path, methods="mine=./mine.py").returncode == 1
    assert run_small(folder, tmp_path, methods="mine=./mine.py").returncode == 1, "failures are kept"
    write_adapter(path, "sr = sr * 0.5")
    assert run_small(folder, tmp_path, methods="mine=./mine.py").returncode == 0
    frame = package.read_results(tmp_path / "run")
    assert (frame.status == "done").all()
    halved = sorted((tmp_path / "run" / "sr").glob("mine-*/x16/mine/a.png"))
    whole = tmp_path / "run" / "sr" / "mine" / "x16" / "mine" / "a.png"
    assert np.allclose(load_png(halved[0]), load_png(whole) * 0.5, atol=0.5)


def test_a_method_that_cannot_be_loaded_fails_alone(folder, tmp_path):
    write_adapter(tmp_path / "mine.py", members="def load(self, device):\n    open('gone')")
    done = run_small(folder, tmp_path, methods="./mine.py,bicubic")
    assert done.returncode == 1
    frame = package.read_results(tmp_path / "run")
    reasons = frame[frame.status == "error"].reason.unique()
    assert list(reasons) == ["cannot be loaded: FileNotFoundError: [Errno 2] No such file or directory: 'gone'"]
    assert (frame[frame.method == "bicubic"].status == "done").all()


def test_unusable_images_cost_their_cells(folder, tmp_path):
    (folder / "d.png").write_bytes(b"")
    Image.fromarray(photo(9, 60, 64)).save(folder / "e.png")
    done = run_small(folder, tmp_path, "--images", "0", methods="bicubic")
    assert done.returncode == 1
    frame = (
        package.read_results(tmp_path / "run").drop_duplicates(["image", "factor"]).set_index(["image", "factor"])
    )
    assert "d.png" in frame.loc[("d", 16), "reason"]
    assert "got 64x60, expected sides of at least 64; give prepare=mod-crop:32" in frame.loc[("e", 16), "reason"]
    assert frame.loc[("a", 32), "status"] == "done"


GIVEN = ("--category", "mine={folder}", "--factor", "16,32", "--metrics", "psnr,lr_psnr", "--device", "cpu")


def test_sigkill_anywhere_loses_nothing(folder, tmp_path):
    """Killed after the n-th PNG, while scoring and while reporting: PNGs, values and page are an uninterrupted run's."""
    write_adapter(tmp_path / "slow.py", name="slow")
    options = [part.format(folder=folder) for part in GIVEN]
    run = ["run", "--methods", "bicubic,../slow.py[wait=0.4]", *options, "--out", "run"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    assert bench(*run, cwd=whole).returncode == 0
    for count in (1, 3, 5, 7):
        _kill_when(cut, run, lambda n=count: len(list(cut.glob("run/sr/**/*.png"))) >= n)
    _kill_when(cut, run, lambda: (cut / "run" / "results.db").exists() and _has_scores(cut / "run"))
    before = {path: path.stat().st_mtime_ns for path in cut.glob("run/sr/**/*.png")}
    last = bench(*run, cwd=cut)
    assert last.returncode == 0, last.stderr
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    assert _contents(whole, "*.png") == _contents(cut, "*.png")
    assert values(whole / "run").equals(values(cut / "run"))

    for begun in ("plots/*.svg", "tables/*.csv"):
        _kill_when(cut, ["report", "run"], lambda name=begun: any((cut / "run" / "report").glob(name)))
        assert not (cut / "run" / "report" / "index.html").exists(), "killed too late to show anything"
    _give_the_same_costs(whole / "run" / "results.db", cut / "run" / "results.db")
    for folder_ in (whole, cut):
        assert bench("report", "run", cwd=folder_).returncode == 0
    assert _contents(whole / "run" / "report", "*") == _contents(cut / "run" / "report", "*")


def test_sigterm_ends_the_worker_too(folder, tmp_path):
    write_adapter(tmp_path / "slow.py", name="slow")
    options = [part.format(folder=folder) for part in GIVEN]
    process = subprocess.Popen(
        [*BENCH, "run", "--methods", "./slow.py[wait=60]", *options, "--out", "run"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    workers: list[psutil.Process] = []
    while not workers or time.time() - workers[0].create_time() < 3:
        assert process.poll() is None
        children = psutil.Process(process.pid).children()
        workers = [child for child in children if any("spawn_main" in part for part in child.cmdline())]
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    assert not psutil.wait_procs(workers, timeout=10)[1]


def _contents(root, pattern):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob(pattern) if path.is_file()}


def _has_scores(run):
    return len(package.read_results(run).query("metric == 'psnr'")) > 0


def _give_the_same_costs(source, target):
    """Seconds and memory differ from run to run and stand on the page; nothing else may differ."""
    key = """FROM scores JOIN cells ON cells.id = cell_id JOIN metrics ON metrics.id = metric_id
        JOIN methods ON methods.id = method_id JOIN inputs ON inputs.id = input_id JOIN images ON images.id = image_id
        WHERE metrics.name IN ('seconds', 'peak_memory_mb') AND slug = ? AND images.name = ? AND factor = ? AND metrics.name = ?"""
    listed = (
        "SELECT slug, images.name, factor, metrics.name, value, scores.reason "
        + key.split(" AND slug", maxsplit=1)[0]
    )
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other, other:
        for *cell, value, reason in one.execute(listed).fetchall():
            ids = other.execute("SELECT cell_id, metric_id " + key, cell).fetchone()
            other.execute(
                "UPDATE scores SET value = ?, reason = ? WHERE cell_id = ? AND metric_id = ?",
                (value, reason, *ids),
            )


def _kill_when(cwd, arguments, is_time):
    process = subprocess.Popen(
        [*BENCH, *arguments],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        while process.poll() is None and not is_time():
            time.sleep(0.005)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    _, error = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"ended before it could be killed: {error}"


def test_a_second_process_on_one_run_is_refused(folder, tmp_path):
    from bench.store.store import Store

    with Store(tmp_path / "run"):
        refused = run_small(folder, tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: run is in use by another process")


def test_another_seed_is_another_run(folder, tmp_path):
    assert run_small(folder, tmp_path, methods="bicubic").returncode == 0
    refused = run_small(folder, tmp_path, "--seed", "7", methods="bicubic")
    assert refused.returncode == 2
    assert "made with another seed: got 7, expected 0" in refused.stderr


def test_a_full_disk_stops_with_one_sentence_and_loses_nothing(folder, tmp_path):
    assert run_small(folder, tmp_path, methods="nearest").returncode == 0
    before = files(tmp_path / "run" / "sr")
    big = tmp_path / "big"
    big.mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (512, 512, 3), dtype=np.uint8)).save(big / "noise.png")
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
    code += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from bench.cli import main; main()"
    command = [BENCH[0], "-c", code, "run", "--methods", "nearest", "--category", f"big={big}", "--factor", "16"]
    full = subprocess.run(
        [*command, "--device", "cpu", "--metrics", "psnr", "--out", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 2
    assert full.stderr.count("\n") == 1
    assert "error: cannot write: File too large" in full.stderr
    assert files(tmp_path / "run" / "sr") == before
    assert run_small(folder, tmp_path, methods="nearest").returncode == 0


def test_repeats_are_seeded_apart(folder, tmp_path):
    write_adapter(tmp_path / "noisy.py", "sr = sr * 0 + torch.rand(1)", "noisy")
    options = ["--methods", "./noisy.py", "--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr"]
    assert (
        bench(
            "run", *options, "--repeats", 2, "--images", 1, "--device", "cpu", "--out", "run", cwd=tmp_path
        ).returncode
        == 0
    )
    first, second = sorted((tmp_path / "run" / "sr").rglob("a*.png"))
    assert second.name == "a@2.png"
    assert not np.array_equal(load_png(first), load_png(second))


def test_an_lr_only_folder_is_restored(folder, tmp_path):
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
    done = bench("run", *options, "--metrics", "psnr,lr_psnr", "--device", "cpu", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    frame = package.read_results(tmp_path / "run")
    assert load_png(tmp_path / "run" / "sr" / "bicubic" / "x4" / "old" / "a.png").shape == (256, 256, 3)
    assert "psnr" not in set(frame.metric)
    assert frame[frame.metric == "lr_psnr"].value.item() > 40
    assert "needs the ground truth" in frame[frame.method == "hr"].reason.item()


def test_a_method_that_needs_a_gpu_is_not_begun_without_one(folder, tmp_path):
    write_adapter(tmp_path / "wide.py", name="wide", members="needs = Needs(gpu=True)")
    done = run_small(folder, tmp_path, methods="./wide.py")
    assert done.returncode == 0, done.stderr
    frame = package.read_results(tmp_path / "run")
    assert set(frame.reason) == {"it needs a GPU, and the device of this run is the CPU"}
    assert set(frame.status) == {"skipped"}


def test_merge_and_score_later(folder, tmp_path):
    for name, factor in (("one", 16), ("two", 32)):
        options = ["--methods", "bicubic", "--category", f"mine={folder}", "--factor", factor, "--metrics", "psnr"]
        assert bench("run", *options, "--device", "cpu", "--out", name, cwd=tmp_path).returncode == 0
    assert "merged 6 cells" in bench("merge", "one", "two", "--out", "both", cwd=tmp_path).stdout
    scored = bench("score", "both", "--metrics", "psnr,lr_psnr", "--device", "cpu", cwd=tmp_path)
    assert "score lr_psnr: 6" in scored.stdout
    assert "score psnr" not in scored.stdout
    frame = package.read_results(tmp_path / "both")
    assert frame.groupby(["factor", "metric"]).size()[[(16, "psnr"), (32, "psnr"), (16, "lr_psnr")]].tolist() == [
        3,
        3,
        3,
    ]
    assert len(list((tmp_path / "both" / "sr").rglob("*.png"))) == 6


def test_an_edited_image_is_restored_again(folder, tmp_path):
    assert run_small(folder, tmp_path, methods="bicubic").returncode == 0
    before = files(tmp_path / "run" / "sr")
    Image.fromarray(photo(77)).save(folder / "b.png")
    again = run_small(folder, tmp_path, methods="bicubic")
    assert again.returncode == 0, again.stderr
    after = files(tmp_path / "run" / "sr")
    assert {path: after[path] for path in before} == before  # what was made stays on disk
    assert {path.stem.partition("~")[0] for path in after.keys() - before.keys()} == {"b"}
    (edited,) = (tmp_path / "run" / "hr" / "mine").glob("b~*.png")
    assert np.array_equal(load_png(edited), photo(77))
