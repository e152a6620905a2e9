"""What was overtaken leaves nothing in a table: refused cells, mended files, cells that a merge does not keep."""

from __future__ import annotations

import sqlite3

import pytest

import bench
from bench.base.errors import StoreError
from bench.store import store as store_module
from bench.store.merge import merge
from bench.store.results import Run
from bench.store.store import Store
from tests.conftest import write_adapter, write_photos

pytestmark = pytest.mark.usefixtures("in_process")
GIVEN = {"factors": [16], "images": None, "metrics": ["psnr"], "device": "cpu", "threads": 1}
FOR_FACES = """def supports(self, lr_size, hr_size, factor, category):
    return None if category.kind == "faces" else "it is for faces"
"""
METRIC = '''"""A metric of a test."""

import bench


class Mean(bench.ImageMetric):
    """The mean of all pixels."""

    name = "mine_mean"
    signature = "mine_mean|v1"
    better = bench.Better.HIGHER
    reference = "none"

    def load(self, device):
        {load}

    def compare(self, sr, features, factor):
        """Return it."""
        return float(sr.mean())
'''
ALIKE = (
    METRIC.format(load="pass").replace('reference = "none"', 'reference = "hr"\n    threshold = 0.5')
    + '''
    def features(self, reference):
        """Return its mean."""
        return float(reference.mean())

    def between(self, one, other):
        """Return how far they are apart."""
        return abs(one - other)
'''
)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The current folder, with three photographs in `mine`."""
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "mine")
    return tmp_path


def values(run: Run, method: str, metric: str = "psnr") -> list[float]:
    frame = Run(run.path).frame
    return frame[(frame["method"] == method) & (frame["metric"] == metric)]["value"].dropna().tolist()


def test_a_cell_that_is_refused_now_has_no_value(work):
    text = f"m={write_adapter(work / 'm.py', members=FOR_FACES)}"
    run = bench.run([text], ["t=mine[kind=faces]"], **GIVEN, out="run")
    assert len(values(run, "m")) == 3
    assert values(bench.run([text], ["t=mine"], **GIVEN, out="run"), "m") == []


def test_operations_stay_when_the_image_they_were_counted_in_leaves(work):
    """They are of a size, and the first image of each size alone is counted."""
    text = f"m={write_adapter(work / 'm.py', 'sr = sr + 0 * (torch.ones(9, 9) @ torch.ones(9, 9)).sum()')}"
    counted = values(bench.run([text], ["t=mine"], **GIVEN, out="run"), "m", "gmacs")
    assert len(counted) == 1
    (work / "mine" / "a.png").unlink()
    assert values(bench.run([text], ["t=mine"], **GIVEN, out="run"), "m", "gmacs") == counted


def test_the_yardstick_is_of_the_images_in_the_tables(work):
    """Pairs of strangers are compared again when an image leaves, and stand in no table before."""
    given = GIVEN | {"metrics": ["./alike.py"]}
    (work / "alike.py").write_text(ALIKE)
    run = bench.run(["nearest"], ["t=mine"], **given, out="run")
    assert [one.pairs for one in Run(run.path).strangers] == [3]
    (work / "mine" / "a.png").unlink()
    run = bench.run(["nearest"], ["t=mine"], **given | {"metrics": ["psnr"]}, out="run")
    assert Run(run.path).strangers == []
    assert [one.pairs for one in bench.score(run, ["./alike.py"]).strangers] == [1]


def test_a_metric_from_a_file_that_was_mended_is_unavailable_no_more(work):
    path = work / "mean.py"
    path.write_text(METRIC.format(load="raise OSError('boom')"))
    given = GIVEN | {"metrics": ["./mean.py"]}
    run = bench.run(["nearest"], ["t=mine"], **given, out="run")
    assert [one.name for one in run.unavailable_metrics] == ["mine_mean"]
    path.write_text(METRIC.format(load="pass"))
    run = bench.run(["nearest"], ["t=mine"], **given, out="run")
    assert run.unavailable_metrics == []
    assert len(values(run, "nearest", "mine_mean")) == 3


def test_a_merge_gives_an_image_no_value_of_another(work, monkeypatch):
    dimmed = "import os; sr = sr * float(os.environ['LIGHT'])"
    text = f"m={write_adapter(work / 'm.py', dimmed)}"
    for out, light, metrics in (("one", "1", ["psnr"]), ("two", "0.5", ["psnr", "lr_psnr"])):
        monkeypatch.setenv("LIGHT", light)
        bench.run([text], ["t=mine"], **GIVEN | {"metrics": metrics}, out=out)
    merge([work / "one", work / "two"], work / "both")
    both = Run(work / "both")
    assert values(both, "m") == values(Run(work / "one"), "m")
    assert values(both, "m", "lr_psnr") == []
    assert len(values(bench.score(both, ["lr_psnr"]), "m", "lr_psnr")) == 3


def test_a_writer_waits_for_a_reader_and_says_so_when_it_takes_too_long(work, monkeypatch):
    run = bench.run(["nearest"], ["t=mine"], **GIVEN, out="run")
    monkeypatch.setattr(store_module, "PATIENCE", 0.1)
    reader = sqlite3.connect(Run(run.path).layout.database)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM cells").fetchone()
    with (
        Store(Run(run.path).layout.root) as store,
        pytest.raises(StoreError, match="database is locked; another process uses it; nothing that was finished"),
        store.transaction(),
    ):
        store.note_available("psnr")
        store.add_constants({"one": "more"})
    reader.close()
