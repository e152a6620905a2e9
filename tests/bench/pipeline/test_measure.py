"""The results of one image are one job, so that a kill costs one image's values and its PNGs are read once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.base.errors import ImageError
from bench.base.metric import Better, ImageMetric
from bench.images import png
from bench.pipeline.measure import score_jobs
from bench.registry import Registry
from bench.store.layout import RunLayout
from bench.store.records import RestoredCell
from bench.workers import score_job
from bench.workers.jobs import Settings
from bench.workers.score_job import Measurement
from bench.workers.scorer import Scorer
from tests.conftest import photo


class Mean(ImageMetric):
    """The mean difference of two images."""

    better, signature = Better.HIGHER, "mean|v1"
    described = 0

    def __init__(self, name):
        self.name, self.reference = name, name.removeprefix("mean_")

    def features(self, reference):
        self.described += 1
        return reference.mean()

    def compare(self, sr, features, factor):
        if (sr == 0).all():
            raise ImageError("black")
        return float(sr.mean() - (features or 0))


@pytest.fixture
def cells(tmp_path):
    """Two images of two methods at one factor, as cells 0 to 3."""
    layout, cells = RunLayout(tmp_path), []
    for number, (image, slug) in enumerate([(image, slug) for image in "ab" for slug in ("one", "two")]):
        fields = dict.fromkeys(RestoredCell._fields) | {
            "cell_id": number, "category": "c", "image": image, "file": image, "slug": slug, "factor": 16, "repeat": 0,
            "image_id": "ab".index(image),
        }  # fmt: skip
        cells.append(RestoredCell(**fields))
        save(photo(number), layout.sr_of(cells[-1]))
    for image in "ab":
        save(photo(10), layout.hr("c", image))
        save(photo(11), layout.lr("c", image, 16))
    return cells


def save(image: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_one_job_an_image_reads_each_png_once(tmp_path, cells, monkeypatch, is_elsewhere) -> None:
    monkeypatch.setattr(Registry, "create", lambda registry, name: Mean(name))
    read = []
    monkeypatch.setattr(
        score_job, "load_png", lambda path, content: read.append(path) or png.load_png(path, content)
    )
    names = ["mean_hr", "mean_lr", "mean_none"]
    wanted = {name: range(4) for name in names} | {"mean_lr": [0, 1, 2]}
    jobs = score_jobs(RunLayout(tmp_path), cells, wanted, {"mean_hr": [1]})
    assert [[cell.cell_id for cell in job.cells] for job in jobs] == [[0, 1], [2, 3]]
    if is_elsewhere:
        jobs = [job.read() for job in jobs]
        RunLayout(tmp_path).root.rename(tmp_path.with_name("moved"))
    servant = Scorer(names, Settings("cpu", 1, None, "."))
    measurements = servant.answer(jobs[0]).measurements | servant.answer(jobs[1]).measurements
    references = {"mean_hr": photo(10).mean(), "mean_lr": photo(11).mean(), "mean_none": 0}
    assert measurements == {
        **{(name, n): Measurement(photo(n).mean() - references[name]) for name in names for n in wanted[name]},
        ("mean_hr", None): Measurement(photo(10).mean()),
    }
    assert len(read) == len({*read}) == 4 + 2 + 2
    assert servant.metrics["mean_hr"].described == 2


def test_what_cannot_be_measured_has_a_reason_and_costs_nothing_else(tmp_path, cells, monkeypatch) -> None:
    monkeypatch.setattr(Registry, "create", lambda registry, name: Mean(name))
    layout, names = RunLayout(tmp_path), ["mean_hr", "mean_none"]
    save(np.zeros((64, 64, 3), np.uint8), layout.sr_of(cells[0]))
    layout.sr_of(cells[1]).unlink()
    layout.hr("c", "b").write_bytes(b"no picture")
    servant = Scorer(names, Settings("cpu", 1, None, "."))
    jobs = score_jobs(layout, cells, {name: range(4) for name in names}, {})
    measurements = servant.answer(jobs[0]).measurements | servant.answer(jobs[1]).measurements
    reasons = {key: one.reason for key, one in measurements.items()}
    assert reasons["mean_hr", 0] == reasons["mean_none", 0] == "black"
    assert "two/x16/c/a.png is not there" in reasons["mean_hr", 1]
    assert all("hr/c/b.png cannot be read" in reasons["mean_hr", n] for n in (2, 3))
    assert reasons["mean_none", 2] is reasons["mean_none", 3] is None
