"""The share of images that are taken for the same person: its rows, its interval, its yardstick."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from bench.base.metric import Better
from bench.store.records import MetricRecord, StrangersRecord
from bench.store.results import Run
from bench.store.rows import Score
from bench.store.sets import paired_images, pairs_digest
from bench.store.store import Store
from reports.data.comparison import Comparison
from reports.data.leaderboard import Leaderboards
from reports.data.scores import Scores
from reports.data.shares import share_interval
from reports.data.significance import Significance
from reports.report import report
from tests.reports.making import RunSpec, write_run

DLIB = MetricRecord("dlib", "Identity (dlib)", "dlib|v1", Better.LOWER, "image", "", threshold=0.6)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two methods on ten images at one factor: nearest is below 0.6 on three of them, bicubic on eight."""
    spec = RunSpec(methods=("nearest", "bicubic"), images=tuple("abcdefghij"), factors=(16,), metrics=("psnr",))
    write_run(tmp_path / "run", spec)
    with Store(tmp_path / "run") as store, store.transaction():
        metric = store.register_metric(DLIB)
        for cell in store.restored_cells():
            below = {"m0": 3, "m1": 8}[cell.slug]
            store.write_scores(
                [Score(cell.cell_id, metric, 0.5 if "abcdefghij".index(cell.image) < below else 0.7)]
            )
        (group,) = paired_images(store.restored_cells(), store.images()).values()
        record = StrangersRecord("faces", "dlib", "dlib|v1", 0.81, 0.6, 0.95, 0.02, 45, pairs_digest(group))
        store.write_strangers(metric, record)
    return Run(tmp_path / "run")


def test_the_share_has_a_binomial_interval_and_strangers_beside_it(run: Run) -> None:
    comparison = Comparison((run,))
    share = next(metric for metric in comparison.metrics if metric.name == "dlib_same")
    assert (share.title, share.unit, share.signature) == ("Same person (dlib)", "%", "dlib|v1|share<=0.6")
    (board,) = Leaderboards(Significance(Scores(comparison))).boards
    for row, same in zip(board.rows, (3, 8), strict=True):
        cell = next(cell for cell in row.cells if cell.metric.name == "dlib_same")
        expected = binomtest(same, 10).proportion_ci(method="wilson")
        assert cell.estimate.value == 10 * same
        assert cell.estimate[1:3] == pytest.approx((100 * expected.low, 100 * expected.high))
    dlib = next(metric for metric in comparison.metrics if metric.name == "dlib")
    assert (board.stranger(dlib), board.stranger(share)) == ("0.8100", "2.0")
    page = report([run]).read_text()
    assert "two different people" in page


def test_a_mean_over_factors_has_no_binomial_interval() -> None:
    assert share_interval(np.array([0.0, 50.0, 100.0])) is None
    assert share_interval(np.array([0.0, 0.0]))[1:3] == pytest.approx((0, 65.76), abs=0.01)
