"""What `bench compare` finds between two runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.store.records import Status
from bench.store.results import Run
from bench.store.store import Store
from reports.compare import Changes, as_row
from tests.commands import bench
from tests.reports.making import RunSpec, value, write_run

OLD = RunSpec(
    methods=("nearest", "bicubic", "glean"), images=tuple("abcdefgh"), factors=(16,), metrics=("psnr", "lpips")
)


@pytest.fixture
def old(tmp_path: Path) -> Run:
    return write_run(tmp_path / "old", OLD)


def test_a_run_has_no_change_from_itself(old: Run) -> None:
    changes = Changes(old, old)
    assert changes.sentences == []
    assert len(changes.values) == 3 * 2
    assert all(change.is_same for change in changes.values)


def test_a_changed_value_is_tested_as_scipy_does(old: Run, tmp_path: Path) -> None:
    spec = dataclasses.replace(OLD, salt=1)
    changes = Changes(old, write_run(tmp_path / "new", spec)).values
    assert len(changes) == 3 * 2
    ps = {}
    for change in (one for one in changes if one.metric.name == "psnr"):
        values = [[value(one, change.method, image, 16, "psnr") for image in OLD.images] for one in (OLD, spec)]
        assert (change.old, change.new) == pytest.approx(np.mean(values, axis=1), abs=1e-12)
        difference = np.subtract(values[1], values[0])
        assert change.test.difference == pytest.approx(difference.mean(), abs=1e-12)
        ps[change.method] = (stats.wilcoxon(difference).pvalue, change.test.p)
    smallest = min(raw for raw, _ in ps.values())
    assert min(corrected for _, corrected in ps.values()) == pytest.approx(min(1.0, 3 * smallest), abs=1e-12)


def test_methods_states_and_inputs_are_told(old: Run, tmp_path: Path) -> None:
    failed = {("bicubic", "a", 16): (Status.TIMEOUT, "too long")}
    spec = dataclasses.replace(
        OLD, methods=("nearest", "bicubic", "pulse"), images=tuple("abcdefg"), failed=failed
    )
    sentences = Changes(old, write_run(tmp_path / "new", spec)).sentences
    assert sentences == [
        "glean: only in the old run",
        "pulse: only in the new run",
        "1 input only in the old run",
        "bicubic: 1 cell done → timeout",
    ]


def test_inputs_with_other_pixels_are_compared_nowhere(old: Run, tmp_path: Path) -> None:
    new = write_run(tmp_path / "new", dataclasses.replace(OLD, size=128))
    changes = Changes(old, new)
    assert changes.values == []
    assert any("8 inputs in both runs, but with other pixels" in sentence for sentence in changes.sentences)


def test_an_edited_method_is_told_with_its_options(old: Run, tmp_path: Path) -> None:
    new = write_run(tmp_path / "new", OLD)
    with Store(tmp_path / "new") as store, store.transaction():
        change = 'UPDATE methods SET identity = "f", options = \'{"steps": 200, "weights": null}\' WHERE label = "glean"'
        store.connection.execute(change)
    assert Changes(old, new).sentences == ["glean: other options: steps 100 → 200"]


def test_a_row_is_printed_with_its_verdict(old: Run, tmp_path: Path) -> None:
    new = write_run(tmp_path / "new", dataclasses.replace(OLD, salt=2))
    row = as_row(Changes(old, new).values[0])
    assert list(row) == [
        "category",
        "factor",
        "method",
        "metric",
        "old",
        "new",
        "change",
        "95 %",
        "p",
        "n",
        "verdict",
    ]
    assert row["n"] == "8"
    assert row["verdict"] in {"better", "worse", "no clear difference", "n too small"}


def test_the_command_prints_names_as_they_are(tmp_path: Path) -> None:
    spec = RunSpec(methods=("pulse[steps=200]",), images=("a", "b"), factors=(16,), metrics=("psnr",))
    for name, salt in (("old", 0), ("new", 1)):
        write_run(tmp_path / name, dataclasses.replace(spec, salt=salt))
    done = bench("compare", "old", "new", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pulse[steps=200]" in done.stdout
    assert "1 of 1 means changed: 1 n too small" in done.stdout
