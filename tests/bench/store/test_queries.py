"""What the writing of a row does to the rows that are there."""

from __future__ import annotations

import pytest

from bench.base.metric import Better
from bench.store.records import CategoryRecord, MethodRecord, MetricRecord, Status, UnavailableMetric
from bench.store.results import Run
from bench.store.rows import CellRow, ImageRow, InputRow, Score
from bench.store.store import Store

METHOD = MethodRecord("bicubic", "bicubic", "Bicubic", "bicubic", "1" * 64, {"steps": 1}, False, ("lpips",), "")
CATEGORY = CategoryRecord("faces", "Faces", "faces", "", "CC0", "/data", "none", has_hr=True)
PSNR = MetricRecord("psnr", "PSNR", "psnr|v1", Better.HIGHER, "image", "dB")


@pytest.fixture
def store(tmp_path):
    """A run of one restored cell with one value."""
    with Store(tmp_path / "run") as store, store.transaction():
        method_id, _ = store.register_method(METHOD)
        category = store.register_category(CATEGORY)
        store.ask("bicubic", category, 16, 4, 1)
        image = store.write_image(ImageRow(category, "a", 0, "s", "c", "d", "a", 64, 32))
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


def test_an_image_of_another_content_is_another_and_the_old_one_comes_back(store):
    store.write_image(ImageRow(1, "a", 0, "t", "c", "d", "a", 64, 32))
    assert [cell.is_asked for cell in store.restored_cells()] == [True], "another stamp alone changes nothing"
    assert (store.free_file(1, "a", "d"), store.free_file(1, "a", "e" * 64)) == ("a", "a~eeeeeeee")
    store.write_image(ImageRow(1, "a", 0, "u", "f", "e" * 64, "a~eeeeeeee", 64, 32))
    assert store.inputs() == []
    assert [cell.is_asked for cell in store.restored_cells()] == [False]
    assert [cell.reason for cell in store.left_out()] == ["its image has another content by now"]
    assert store.status_counts() == {"pending": 1}
    store.write_image(ImageRow(1, "a", 0, "v", "c", "d", "a", 64, 32))
    assert [cell.is_asked for cell in store.restored_cells()] == [True]


def test_what_no_command_asks_for_is_left_out_with_the_reason(store):
    store.place_images({1: 4}, {})
    assert [cell.reason for cell in store.left_out()] == ["no command asks for it any more"]
    store.place_images({1: None}, {})
    assert [cell.reason for cell in store.left_out()] == ["the source of its category no longer lists its image"]
    store.place_images({1: 0}, {})
    store.register_method(METHOD._replace(identity="2" * 64))
    assert [cell.reason for cell in store.left_out()] == ["its method is another by now"]


def test_the_same_method_under_another_name_keeps_what_was_asked_of_it(store):
    store.register_method(METHOD._replace(label="mine"))
    assert [(method.label, method.slug) for method in store.methods()] == [("mine", "bicubic")]
    assert store.left_out() == []


def test_what_failed_on_an_input_is_forgotten_when_it_is_made_again(store):
    store.write_cell(CellRow(1, 1, 1, Status.ERROR, "it cannot be read"))
    store.write_scores([Score(1, store.register_metric(PSNR._replace(name="ssim")), None, "it cannot be read")])
    store.write_input(InputRow(1, 16, "l", 4, 2))
    assert store.statuses(1) == {(1, 0): Status.DONE}
    assert store.scores("ssim", "psnr|v1") == {}
    assert store.scores("psnr", "psnr|v1") == {1: 30.5}


def test_a_metric_keeps_its_title_and_its_training_mark(store):
    store.register_metric(PSNR._replace(name="lpips", title="LPIPS", signature="lpips|v1"))
    store.register_metric(PSNR._replace(name="pyiqa:lpips", title="lpips (pyiqa)", signature="pyiqa|lpips|v1"))
    assert [(metric.title, metric.is_training_metric) for metric in store.metrics()] == [
        ("PSNR", False),
        ("LPIPS", True),
        ("lpips (pyiqa)", True),
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


def test_values_are_looked_up_by_cell_so_that_reading_grows_with_their_number_alone(store):
    plan = store.connection.execute("EXPLAIN QUERY PLAN SELECT * FROM frame_view").fetchall()
    assert not [step["detail"] for step in plan if step["detail"].startswith("SCAN scores")]
