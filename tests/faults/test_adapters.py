"""Adapters that do what they must not: it costs them a cell at most, and the methods beside them nothing."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

import bench as package
from bench.base.types import Category
from bench.images.degradation import make_lr
from bench.images.png import load_png, save_png
from bench.store.records import Status
from bench.workers import local
from bench.workers.jobs import Settings, Task
from bench.workers.worker import Worker
from tests.commands import IS_FULL, Command, bench
from tests.conftest import write_adapter
from tests.faults.comparing import COSTS, files

RUDE = """print("spoilt on stdout"); os.system("echo spoilt by a child"); import sys, warnings
        os.write(1, b"spoilt on 1"); print("spoilt on stderr", file=sys.stderr)
        os.chdir("/"); os.environ.clear(); os.umask(0o077)
        random.seed(1); np.random.seed(1); torch.manual_seed(1); np.seterr(all="raise")
        torch.set_num_threads(1); torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)
        torch.backends.cudnn.benchmark = True; warnings.simplefilter("error")"""
NOISE = "sr = (sr + 0.1 * torch.rand(sr.shape) + 0.1 * float(np.random.rand()) + 0.1 * random.random()) / 2"
FORKS = """import subprocess, sys
        if os.fork() == 0: time.sleep(600)
        if os.fork() == 0:
            os.setsid()
            if os.fork(): os._exit(0)
            time.sleep(600)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)"""


def task(folder: Path, image: str = "a") -> Task:
    """A task of any name on an LR of 4 x 4 pixels."""
    lr = folder.parent / "lr" / f"{image}.png"
    save_png(make_lr(load_png(folder / "a.png") + np.uint8(len(image)), 16), lr)
    return Task(lr, (4, 4), None, 16, image, 7, Category("mine", None))


def outcomes(path: Path, tasks: list[Task], timeout: float | None = None):
    """Restore with the adapter of a file, in a real worker."""
    settings = Settings("cpu", 2, timeout, os.fspath(path.parent))
    with local.Machine().pool(partial(Worker, os.fspath(path)), settings, len(tasks)) as pool:
        ended = dict(pool.work(tasks))
    return [ended[task] for task in tasks]


def run(folder: Path, cwd: Path, methods: str, out: str):
    given = ("--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr", "--device", "cpu")
    return bench("run", "--methods", methods, *given, "--out", out, cwd=cwd)


def test_the_methods_beside_a_rude_one_are_unharmed(folder, tmp_path):
    """It is restored between two others, and resumes to the same images as it makes at once."""
    write_adapter(tmp_path / "rude.py", f"import random, numpy as np; {NOISE}\n        {RUDE}", name="rude")
    write_adapter(tmp_path / "noisy.py", f"import random, numpy as np; {NOISE}", name="noisy")
    assert run(folder, tmp_path, "bicubic,./noisy.py", "without").returncode == 0
    done = run(folder, tmp_path, "bicubic,./rude.py,./noisy.py", "with")
    assert done.returncode == 0, done.stdout
    assert "spoilt" not in done.stdout
    assert "spoilt on stderr" in done.stderr
    beside, alone = files(tmp_path / "with"), files(tmp_path / "without")
    assert all(beside[name] == content for name, content in alone.items() if name != "run.json")
    assert values(tmp_path / "with").equals(values(tmp_path / "without"))
    restored = {name: beside[name] for name in beside if name.startswith("sr") and "rude" in name}
    assert len(restored) == 3
    # At first it was the second of its worker, now it is the first of its own.
    (tmp_path / "with" / next(name for name in restored if name.endswith("/b.png"))).unlink()
    assert run(folder, tmp_path, "./rude.py", "with").returncode == 0
    again = files(tmp_path / "with")
    assert {name: again[name] for name in restored} == restored


def values(run: Path):
    frame = package.read_results(run)
    return frame[~frame.metric.isin(COSTS) & (frame.method != "./rude.py")].reset_index(drop=True)


ENDS = ["os._exit(3)", *(["pass", "time.sleep(60)", "os.kill(os.getpid(), 9)"] if IS_FULL else [])]


@pytest.mark.parametrize("end", ENDS)
def test_what_a_method_starts_ends_with_its_worker(folder, tmp_path, end):
    """Forked, forked twice into a session of its own, and started: whichever way the worker ends."""
    pids = tmp_path / "pids"
    note = (
        f'open("{pids}", "a").write(" ".join(str(p.pid) for p in psutil.Process().children(recursive=True)) + " ")'
    )
    write_adapter(
        tmp_path / "forks.py", f"{FORKS}\n        import psutil; time.sleep(0.3); {note}; {end}", "forks"
    )
    statuses = {"pass": Status.DONE, "time.sleep(60)": Status.TIMEOUT, "os._exit(3)": Status.ERROR}
    begun = time.monotonic()
    (outcome,) = outcomes(tmp_path / "forks.py", [task(folder)], timeout=5)
    assert outcome.status is statuses.get(end, Status.OUT_OF_MEMORY)
    assert time.monotonic() - begun < 60
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) >= 2
    until = time.monotonic() + 5  # what was killed may still be ending
    while (left := [*filter(_is_alive, started), *_daemons()]) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _daemons() -> list[psutil.Process]:
    """Return what workers started and nobody waits for."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.ppid() == 1 and "BENCH_WORKER" in process.environ():
                found.append(process)
    return found


def test_a_worker_at_work_ends_when_its_command_is_killed(folder, tmp_path):
    """In the middle of an image that takes ten minutes, with all that the method has started."""
    begun = tmp_path / "begun"
    write_adapter(
        tmp_path / "forks.py", f"{FORKS}\n        open('{begun}', 'w').close(); time.sleep(600)", "forks"
    )
    given = ("--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr", "--device", "cpu")
    command = Command("run", "--methods", "./forks.py", *given, "--out", "run", cwd=tmp_path)
    while not begun.exists():
        assert command.process.is_alive()
        time.sleep(0.05)
    assert len(list(command.left())) > 2
    assert command.kill_at(0, with_group=False)
    assert command.left_after(10) == []
    assert _daemons() == []


def test_a_child_that_comes_back_answers_nothing(folder, tmp_path):
    """A fork whose child returns from restore() as its parent does: each image has its own result."""
    write_adapter(tmp_path / "mine.py", "time.sleep(0.3 if os.fork() else 0)", name="mine")
    made = outcomes(tmp_path / "mine.py", [task(folder, image) for image in ("a", "bb", "ccc")], timeout=30)
    for image, outcome in zip(("a", "bb", "ccc"), made, strict=True):
        expected = load_png(tmp_path / "lr" / f"{image}.png").repeat(16, 0).repeat(16, 1)
        assert np.array_equal(outcome.pixels, expected)


LEAK = """import resource; import numpy as np
        self.kept = [*getattr(self, "kept", []), np.ones(25_000_000)]"""
LIMITED = """import resource
        used = int(open("/proc/self/statm").read().split()[0]) * 4096
        if not hasattr(self, "kept"): resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)
        self.kept = [*getattr(self, "kept", []), {what}]"""


def test_a_leak_is_seen_in_the_peak_memory(folder, tmp_path):
    write_adapter(tmp_path / "leaks.py", LEAK, name="leaks")
    made = outcomes(tmp_path / "leaks.py", [task(folder, image) for image in "abc"])
    peaks = [outcome.costs["peak_memory_mb"] for outcome in made]
    assert np.diff(peaks) == pytest.approx([200, 200], abs=20), "25 million float64 an image, in MB"


@pytest.mark.parametrize("what", ["torch.ones(50_000_000)", *(["np.ones(25_000_000)"] if IS_FULL else [])])
def test_a_leak_until_memory_is_out_costs_nothing_that_a_fresh_worker_can_do(folder, tmp_path, what):
    """Each worker has memory for one image and not for two: numpy and torch say so in their own ways."""
    write_adapter(tmp_path / "leaks.py", f"import numpy as np\n        {LIMITED.format(what=what)}", name="leaks")
    made = outcomes(tmp_path / "leaks.py", [task(folder, image) for image in "ab"])
    assert [outcome.status for outcome in made] == [Status.DONE] * 2


@pytest.mark.parametrize(
    "what", ["torch.empty(10**14)", *(["np.ones(10**14)", "bytes(10**15)"] if IS_FULL else [])]
)
def test_too_much_memory_is_recorded_as_such(folder, tmp_path, what):
    body = f"import numpy as np\n        if batch.images[0] == 'b': {what}"
    write_adapter(tmp_path / "large.py", body, name="large")
    made = outcomes(tmp_path / "large.py", [task(folder, image) for image in "bc"])
    assert [outcome.status for outcome in made] == [Status.OUT_OF_MEMORY, Status.DONE]


WRONG = {
    "segmentation": ("import ctypes; ctypes.string_at(0)", "ended by itself (exit code -11)"),
    "abort": ("os.abort()", "ended by itself (exit code -6)"),
    "exit": ("raise SystemExit(4)", "ended by itself (exit code 4)"),
    "nan": ("sr[0, 0, 0, 0] = float('nan')", "values that are not finite"),
    "size": ("sr = sr[..., 1:]", "wrong shape: got (1, 3, 64, 63), expected (1, 3, 64, 64)"),
    "array": ("sr = sr.numpy()", "wrong result: got Restored.sr of type ndarray, expected torch.Tensor"),
    "nothing": ("sr = None", "wrong result: got Restored.sr of type NoneType"),
    "meta": ("sr = sr.to('meta')", "meta"),
    "words": ("return Restored(sr, [{'steps': 'many'}])", "could not convert string to float"),
    "mute": ("raise ValueError", "ValueError: no message"),
    "surrogate": (r"raise ValueError('\udcff' + 'x' * 9999)", "ValueError: \ufffdxxx"),
    "closed": ("os.close(0); os.close(1); raise ValueError('so')", "ValueError: so"),
}
READ_ONLY = "import numpy as np, warnings; warnings.simplefilter('ignore'); array = sr.numpy().copy()"
LAYOUTS = {
    "read_only": f"{READ_ONLY}; array.flags.writeable = False; sr = torch.from_numpy(array)",
    "transposed": "sr = sr.permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2)",
    "strided": "sr = sr.repeat_interleave(2, 3)[..., ::2]",
    "with_gradient": "sr = sr.requires_grad_()",
    "reversed": "import numpy as np; sr = torch.from_numpy(sr.numpy()[..., ::-1].copy()).flip(-1)",
}
NEGATIVE = ("import numpy as np; sr = torch.from_numpy(sr.numpy()[..., ::-1])", "negative")


def test_wrong_results_are_named_and_cost_one_cell(folder, tmp_path):
    """Each on an image of its name; those of an unusual layout are saved as they are."""
    cases = {**WRONG, "negative": NEGATIVE, **{name: (body, None) for name, body in LAYOUTS.items()}}
    lines = [f"if batch.images[0] == {name!r}: {body}" for name, (body, _) in cases.items()]
    write_adapter(tmp_path / "wrong.py", "\n        ".join(lines), name="wrong")
    made = outcomes(tmp_path / "wrong.py", [task(folder, name) for name in cases])
    for (name, (_, reason)), outcome in zip(cases.items(), made, strict=True):
        if reason is None:
            expected = load_png(tmp_path / "lr" / f"{name}.png").repeat(16, 0).repeat(16, 1)
            assert np.array_equal(outcome.pixels, expected), name
        else:
            assert outcome.status is Status.ERROR, name
            assert reason in outcome.reason, name
            assert len(outcome.reason) < 3000


def test_a_reason_that_no_file_takes_is_kept(folder, tmp_path):
    """A lone surrogate in an error, through the database, the console and the page."""
    write_adapter(tmp_path / "odd.py", WRONG["surrogate"][0], name="odd")
    done = run(folder, tmp_path, "nearest,./odd.py", "run")
    assert (done.returncode, "3 done, 3 error" in done.stdout) == (1, True), done.stderr
    assert bench("report", "run", cwd=tmp_path).returncode == 0


def test_loading_that_hangs_ends(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "LOADING", 4.0)
    path = write_adapter(
        tmp_path / "hangs.py", name="hangs", members="def load(self, device):\n    time.sleep(999)"
    )
    made = outcomes(path, [task(folder, image) for image in "ab"], timeout=1)
    assert [outcome.status for outcome in made] == [Status.TIMEOUT] * 2
    assert made[0].reason == "cannot be loaded: it took longer than 5 s"
