"""References: named by a category, saved in the run, seen by the methods that ask for them, shown by the report."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.base.errors import ImageError, StoreError, UsageError
from bench.categories.category import find_category
from bench.images.png import load_png
from bench.pipeline.run import run
from bench.store.merge import merge
from bench.store.results import Run
from reports.report import report
from tests.conftest import photo, write_adapter

SEES = "sees_references = True"
MEAN = "sr = torch.zeros_like(sr) + batch.references[0][0].mean()"


def _run(tmp_path, category, adapter, **options):
    out = tmp_path / "run"
    run([f"mine={adapter}"], [category], factors=[8], metrics=["psnr"], out=out, device="cpu", **options)
    return Run(out)


def _outcomes(result):
    frame = result.frame
    reasons = frame.loc[frame["status"] != "done", "reason"]
    return dict(frame[["image", "status"]].drop_duplicates().to_numpy()), [*reasons.dropna()]


@pytest.fixture
def adapter(tmp_path):
    """A method whose result is the mean of its first reference."""
    return write_adapter(tmp_path / "mine.py", MEAN, members=SEES)


def test_references_reach_the_method_the_run_and_the_report(tmp_path, folder, adapter):
    """Of any size, by name; an image without one is an error in one sentence, and costs that cell alone."""
    references = tmp_path / "references"
    references.mkdir()
    Image.fromarray(photo(7, 40, 56)).save(references / "a.png")
    Image.fromarray(photo(8, 24, 24)).save(references / "b_2.png")
    Image.fromarray(photo(9, 96, 96)).save(references / "b_1.png")
    result = _run(tmp_path, f"c={folder}[references={references}]", adapter)
    statuses, reasons = _outcomes(result)
    assert statuses == {"a": "done", "b": "done", "c": "error"}
    assert reasons == [f"category c has no reference of c in {references}: expected c, or c_1, c_2, ..."] * len(
        reasons
    )
    for image, seed, size in (("a", 7, (40, 56)), ("b", 9, (96, 96))):
        expected = photo(seed, *size).mean()
        assert abs(load_png(result.sr_path("mine", "c", image, 8)).mean() - expected) < 0.51
    assert [path.stem for path in result.reference_paths("c", "b")] == ["b_1", "b_2"]
    page = report([tmp_path / "run"]).read_text(encoding="utf-8")
    assert page.count("references/c/") == 3


def test_a_damaged_reference_of_the_run_is_saved_again(tmp_path, folder, adapter):
    """Whatever reading it raises, and it alone."""
    category = f"c={folder}[references=same]"
    first = _run(tmp_path, category, adapter)
    one, other = (first.reference_paths("c", name)[0] for name in "ab")
    whole, untouched = one.read_bytes(), other.stat().st_mtime_ns
    for damaged in (b"", b"<html>", whole[: len(whole) // 2], whole[:40] + bytes(8) + whole[48:]):
        one.write_bytes(damaged)
        assert _outcomes(_run(tmp_path, category, adapter))[0] == dict.fromkeys("abc", "done")
        assert one.read_bytes() == whole
    assert other.stat().st_mtime_ns == untouched


def test_another_image_of_the_set_is_drawn_by_the_seed(tmp_path, folder, adapter):
    source = find_category(f"c={folder}[references=same]")
    drawn = {seed: {name: [*source.references(name, seed)] for name in "abc"} for seed in range(8)}
    assert all(name not in chosen for choice in drawn.values() for name, chosen in choice.items())
    assert drawn[0] == {name: [*source.references(name, 0)] for name in "abc"}
    assert len({str(choice) for choice in drawn.values()}) > 1
    result = _run(tmp_path, f"c={folder}[references=same]", adapter, seed=3)
    assert {name: [path.stem for path in result.reference_paths("c", name)] for name in "abc"} == drawn[3]


def test_hr_is_no_reference_unless_it_is_declared_and_none_is_no_error(tmp_path, folder, adapter):
    out = tmp_path / "run"
    hr = folder / "a.png"
    categories = [
        f"c={folder}[references={hr}]",
        f"d={folder}[references={hr},hr_as_reference=true]",
        f"e={folder}",
    ]
    run([f"mine={adapter}"], categories, factors=[8], metrics=["psnr"], images=1, out=out, device="cpu")
    frame = Run(out).frame
    statuses = dict(frame[["category", "status"]].drop_duplicates().to_numpy())
    assert statuses == {"c": "error", "d": "done", "e": "skipped"}
    reasons = dict(frame[["category", "reason"]].dropna().to_numpy())
    assert "reference a of c/a is the HR itself; name another, or declare it" in reasons["c"]
    assert "it needs reference images, and the category names none" in reasons["e"]


@pytest.mark.parametrize("content", [None, b"no image"])
def test_a_reference_that_cannot_be_read_is_one_sentence(tmp_path, folder, content):
    path = tmp_path / "reference.png"
    if content:
        path.write_bytes(content)
    with pytest.raises((UsageError, ImageError), match=r"reference\.png") as raised:
        find_category(f"c={folder}[references={path}]").references("a", 0)
    assert "\n" not in str(raised.value)


def test_other_references_are_seen_when_a_run_goes_on(tmp_path, folder, adapter):
    path = tmp_path / "reference.png"
    means = []
    for value in (40, 40, 90):
        _grey(path, value)
        result = _run(tmp_path, f"c={folder}[references={path}]", adapter, images=1)
        means.append(
            (
                load_png(result.sr_path("mine", "c", "a", 8)).mean(),
                result.sr_path("mine", "c", "a", 8).stat().st_mtime_ns,
            )
        )
    assert [mean for mean, _ in means] == [40, 40, 90]
    assert means[0] == means[1], "the same references restore nothing again"


def test_other_references_are_other_inputs_to_every_method_of_the_run(tmp_path, folder, adapter):
    """Also to one that the command did not name: its results leave the tables until it sees them."""
    path, category = tmp_path / "reference.png", f"c={folder}[references={tmp_path / 'reference.png'}]"
    given = {"factors": [8], "metrics": ["psnr"], "images": 1, "out": tmp_path / "run", "device": "cpu"}
    other = write_adapter(tmp_path / "other.py", f"{MEAN} / 2", name="other", members=SEES)
    _grey(path, 40)
    run([f"mine={adapter}", f"other={other}", "nearest"], [category], **given)
    _grey(path, 90)
    result = run([f"mine={adapter}"], [category], **given)
    assert result.status_counts == {"done": 2, "pending": 1}
    assert [(cell.slug, cell.reason) for cell in result.left_out] == [
        ("other", "its references are others by now")
    ]
    assert set(result.means["method"]) == {"mine", "nearest"}
    result = run([f"other={other}"], [category], **given)
    assert result.status_counts == {"done": 3}


def test_a_merge_copies_references_and_refuses_others(tmp_path, folder, adapter):
    path, category = tmp_path / "reference.png", f"c={folder}[references={tmp_path / 'reference.png'}]"
    given = {"factors": [8], "metrics": ["psnr"], "images": 1, "device": "cpu"}
    for out, value in (("one", 40), ("two", 40), ("three", 90)):
        _grey(path, value)
        run([f"mine={adapter}", "nearest"], [category], out=tmp_path / out, **given)
    merge([tmp_path / "one", tmp_path / "two"], tmp_path / "both")
    both = Run(tmp_path / "both")
    assert both.status_counts == {"done": 2}
    assert [load_png(one).mean() for one in both.reference_paths("c", "a")] == [40]
    with pytest.raises(StoreError, match="other references for the same image"):
        merge([tmp_path / "one", tmp_path / "three"], tmp_path / "none")


def _grey(path, value):
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(path)
