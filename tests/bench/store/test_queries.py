"""What the writing of a row does to the rows that are there."""

from __future__ import annotations

import pytest

from bench.base.metric import Better
from bench.store.records import (
    CategoryRecord,
    CellRow,
    ImageRow,
    InputRow,
    MethodRecord,
    MetricRecord,
    Score,
    Status,
    UnavailableMetric,
)
from bench.store.results import Run
from bench.store.store import Store

METHOD = MethodRecord("bicubic", "bicubic", "Bicubic", "bicubic", "1" * 64, {"steps": 1}, False, ("lpips",), "")
CATEGORY = CategoryRecord("faces", "Faces", "faces", "", "CC0", digest="0", has_hr=True)
PSNR = MetricRecord("psnr", "PSNR", "psnr|v1", Better.HIGHER, "image", "dB")


@pytest.fixture
def store(tmp_path):
    """A run of one restored cell with one value."""
    with Store(tmp_path / "run") as store, store.transaction():
        method_id, _ = store.register_method(METHOD)
        image = store.write_image(ImageRow(store.register_category(CATEGORY), "a", 0, "s", "d", 64, 32))
        cell = store.write_cell(
            CellRow(method_id, store.write_input(InputRow(image, 16, "l", 4, 2)), 0, Status.DONE)
        )
        store.write_scores([Score(cell, store.register_metric(PSNR), 30.5)])
        yield store


def test_an_edited_method_gets_a_slug_of_its_own_and_retires_the_old_one(store):
    edited = METHOD._replace(identity="2" * 64)
    assert store.register_method(edited)[1] == "bicubic-222222"
    assert [method.identity for method in store.methods()] == ["2" * 64]
    assert store.register_method(METHOD)[1] == "bicubic", "the old one comes back under its slug"
    assert store.methods() == [METHOD]


def test_changed_pixels_delete_what_was_computed_from_the_old_ones(store):
    store.write_image(ImageRow(1, "a", 0, "t", "d", 64, 32))
    assert len(store.restored_cells()) == 1, "another stamp alone changes nothing"
    store.write_image(ImageRow(1, "a", 0, "t", "e", 64, 32))
    assert (store.inputs(), store.restored_cells(), store.scores("psnr", "psnr|v1")) == ([], [], {})


def test_another_list_makes_inputs_pending(store):
    store.register_category(CATEGORY._replace(digest="1"))
    assert [row.problem for row in store.inputs("faces")] == ["the category's list has changed"]


def test_a_metric_keeps_its_title_and_its_training_mark(store):
    store.register_metric(PSNR._replace(name="lpips", title="LPIPS", signature="lpips|v1"))
    assert [(metric.title, metric.is_training_metric) for metric in store.metrics()] == [
        ("PSNR", False),
        ("LPIPS", True),
    ]


def test_an_unavailable_metric_is_noted_until_it_is_available(store):
    store.note_unavailable(UnavailableMetric("fid", "no weights", "bench prepare"))
    assert store.unavailable_metrics() == [UnavailableMetric("fid", "no weights", "bench prepare")]
    store.note_available("fid")
    assert store.unavailable_metrics() == []


def test_a_run_reads_sizes_values_and_counts(tmp_path, store):
    (row,) = store.inputs()
    assert (row.lr_size, row.hr_size) == ((2, 4), (32, 64))
    store.connection.commit()
    run = Run(tmp_path / "run")
    assert run.status_counts == {"done": 1}
    assert run.frame[["method", "category", "factor", "image", "metric", "value"]].to_numpy().tolist() == [
        ["bicubic", "faces", 16, "a", "psnr", 30.5]
    ]
    assert run.means[["mean", "n"]].to_numpy().tolist() == [[30.5, 1]]
