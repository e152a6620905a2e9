"""The seconds of a run: the first image of a size is counted, a disturbed pass is marked, and neither is the time."""

from __future__ import annotations

import pytest
from PIL import Image

import bench
from bench.base.device import Timed
from bench.pipeline import restore
from bench.workers import worker
from tests.conftest import photo, write_adapter

GIVEN = {"factors": [16, 32], "metrics": ["psnr"], "device": "cpu", "threads": 1}
PRODUCT = """import torch
        torch.ones(1000, 1000) @ torch.ones(1000, 1000)"""


@pytest.fixture
def method(tmp_path):
    """A method that multiplies a million times a thousand, whatever the image."""
    return str(write_adapter(tmp_path / "mine.py", PRODUCT))


def costs(run, name):
    """Return (image, value, reason) by factor."""
    rows = run.frame[run.frame.metric == name].astype(object)
    rows = rows.where(rows.notna(), None)
    return {
        factor: list(part[["image", "value", "reason"]].itertuples(index=False, name=None))
        for factor, part in rows.groupby("factor")
    }


@pytest.mark.usefixtures("in_process")
def test_the_first_image_of_a_size_is_counted_and_its_seconds_are_no_time(folder, method, tmp_path, monkeypatch):
    Image.fromarray(photo(3, 128, 64)).save(folder / "other_size.png")
    monkeypatch.setattr(worker, "UNDISTURBED", 1.0)
    run = bench.run([method], [f"mine={folder}"], **GIVEN, out=tmp_path / "run")
    gmacs, seconds = costs(run, "gmacs"), costs(run, "seconds")
    for factor in (16, 32):
        assert gmacs[factor] == [("a", 1.0, None), ("other_size", 1.0, None)]
        doubts = {image: reason for image, _, reason in seconds[factor]}
        assert doubts == {"a": worker.COUNTED, "b": None, "c": None, "other_size": worker.COUNTED}
        assert {image for image, value, _ in seconds[factor] if value is not None} == {"b", "c"}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("seconds", "reason"), [(0.05, None), (0.1, "disturbed: it waited 25% of its time")])
def test_threads_of_a_short_pass_may_wait_for_each_other(method, folder, tmp_path, monkeypatch, seconds, reason):
    monkeypatch.setattr(worker.devices, "timed", lambda call, *_: (call(), Timed(seconds, waited=0.25)))
    run = bench.run([method], [f"mine={folder}"], images=2, **{**GIVEN, "factors": [16]}, out=tmp_path / "run")
    _, second = costs(run, "seconds")[16]
    assert second[2] is reason if reason is None else second[2].startswith(reason)


@pytest.mark.usefixtures("in_process")
def test_the_second_image_of_a_slow_method_is_timed_alone(method, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(worker.devices, "timed", lambda call, *_: (call(), Timed(seconds=100.0, waited=0.0)))
    run = bench.run([method], [f"mine={folder}"], **{**GIVEN, "factors": [16]}, out=tmp_path / "run")
    assert costs(run, "seconds")[16] == [
        ("a", None, worker.COUNTED),
        ("b", 100.0, None),
        ("c", None, restore.BESIDE),
    ]


@pytest.mark.usefixtures("in_process")
def test_a_doubtful_time_stands_until_there_is_a_better_one(folder, method, tmp_path, monkeypatch):
    waited = iter([0.0, 0.4, 0.04])
    monkeypatch.setattr(
        worker.devices, "timed", lambda call, *_: (call(), Timed(seconds=1.0, waited=next(waited)))
    )
    given = {**GIVEN, "factors": [16], "out": tmp_path / "run"}
    (first,) = costs(bench.run([method], [f"mine={folder}"], images=1, **given), "seconds")[16]
    assert first == ("a", 1.0, worker.COUNTED)
    second = costs(bench.run([method], [f"mine={folder}"], images=2, **given), "seconds")[16]
    assert second[1] == ("b", 1.0, "disturbed: it waited 40% of its time for a processor")
    third = bench.run([method], [f"mine={folder}"], images=3, **given)
    assert [value for _, value, _ in costs(third, "seconds")[16]] == [None, None, 1.0]
    assert third.unmeasured_cells == []
    (mean,) = third.means.query("metric == 'seconds'").itertuples()
    assert (mean.mean, mean.n) == (1.0, 1)
