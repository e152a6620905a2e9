"""Leaderboards over factors and categories, tests against any baseline, against computations of their own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.store.records import Status
from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.leaderboard import Leaderboards
from reports.data.scores import EVERY, Scores, Slice
from reports.data.significance import Significance
from reports.export import export
from reports.report import report
from tests.reports.conftest import USUAL
from tests.reports.making import RunSpec, value, write_run

BOTH = [image for image in USUAL.images if image not in {"0002", "0003"}]
METHODS = ("nearest", "bicubic", "pulse", "glean")


def over_factors(method: str, metric: str) -> np.ndarray:
    """A method's value an image, over both factors, where all methods have both."""
    return np.array([np.mean([value(USUAL, method, image, f, metric) for f in (16, 32)]) for image in BOTH])


def test_an_image_counts_once_over_all_factors(usual: Run) -> None:
    comparison = Comparison((usual,))
    (board,) = Leaderboards(Significance(Scores(comparison))).overall
    assert board.where == Slice("faces", EVERY)
    assert (board.common, board.total) == (len(BOTH), len(USUAL.images))
    for row in board.rows[:4]:
        cell = next(cell for cell in row.cells if cell.metric.name == "psnr")
        assert cell.estimate.value == pytest.approx(over_factors(row.method.label, "psnr").mean(), abs=1e-12)
        assert cell.estimate.n == len(BOTH)
    assert {row.method.label: (row.done, row.total) for row in board.rows}["pulse"] == (14, 16)


def test_categories_have_a_table_together(tmp_path: Path) -> None:
    spec = RunSpec(categories=("faces", "cats"), images=("a", "b"), factors=(16, 32))
    comparison = Comparison((write_run(tmp_path / "run", spec),))
    scores = Scores(comparison)
    assert scores.overall == [Slice("faces", EVERY), Slice("cats", EVERY), Slice("", EVERY)]
    everything = Leaderboards(Significance(scores)).overall[-1]
    assert (everything.common, everything.total) == (4, 4)
    assert list(scores.table(Slice("", EVERY), "psnr").index) == ["faces/a", "faces/b", "cats/a", "cats/b"]


def test_a_method_that_lacks_a_factor_does_not_empty_the_table(tmp_path: Path) -> None:
    failed = {("glean", image, 32): (Status.SKIPPED, "not at 32") for image in ("a", "b")}
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), failed=failed))
    comparison = Comparison((run,))
    (board,) = Leaderboards(Significance(Scores(comparison))).overall
    assert board.absent == ("glean",)
    assert board.common == 2
    assert "Not restored at every factor: glean." in report([run]).read_text(encoding="utf-8")


@pytest.mark.parametrize("baseline", METHODS)
@pytest.mark.parametrize("metric", ["psnr", "lpips"])
def test_every_baseline_has_what_scipy_says(usual: Run, baseline: str, metric: str) -> None:
    comparison = Comparison((usual,))
    table = next(t for t in Significance(Scores(comparison)).against(baseline) if t.where.factor == EVERY)
    column = [record.name for record in table.metrics].index(metric)
    own = over_factors(baseline, metric)
    differences = {method: over_factors(method, metric) - own for method in METHODS if method != baseline}
    raw = {method: stats.wilcoxon(difference).pvalue for method, difference in differences.items()}
    holm = dict(zip(raw, stats_holm(list(raw.values())), strict=True))
    for one in table.entrants:
        paired = one.comparisons[column]
        if one.method.label == baseline:
            assert paired.test is None
            continue
        difference = differences[one.method.label]
        assert paired.test.difference == pytest.approx(difference.mean(), abs=1e-12)
        assert paired.test.p == pytest.approx(holm[one.method.label], abs=1e-12)
        bootstrap = stats.bootstrap(
            (difference,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(3)
        )
        spread = difference.std(ddof=1)
        assert paired.test.low == pytest.approx(bootstrap.confidence_interval.low, abs=0.1 * spread)
        assert paired.test.high == pytest.approx(bootstrap.confidence_interval.high, abs=0.1 * spread)
        power = stats.nct.sf(stats.t.ppf(0.975, 5), 5, paired.detectable / spread * np.sqrt(6))
        assert power == pytest.approx(0.8, abs=1e-6)


def stats_holm(ps: list[float]) -> list[float]:
    """Holm's correction, written out."""
    return [max(min(1.0, sum(other >= q for other in ps) * q) for q in ps if q <= p) for p in ps]


def test_the_files_hold_the_overall_tables(usual_page: Path) -> None:
    lines = list(csv.DictReader(io.StringIO((usual_page.parent / "tables" / "leaderboard.csv").read_text())))
    values = {(line["factor"], line["method"], line["metric"]): line["value"] for line in lines}
    assert values["all", "glean", "psnr"] == f"{over_factors('glean', 'psnr').mean():.2f}"
    tests = csv.DictReader(io.StringIO((usual_page.parent / "tables" / "statistics.csv").read_text()))
    assert {line["factor"] for line in tests} == {"16", "32", "all"}


def test_the_page_prints_what_the_export_holds(usual: Run, usual_page: Path, tmp_path: Path) -> None:
    """Every mean of every factor, computed again from `bench export`, stands on the page as printed."""
    export(usual, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["image"] and row["value"]]
    source = usual_page.read_text(encoding="utf-8")
    for factor in (16, 32):
        for metric, digits in (("psnr", 2), ("ssim", 4), ("lpips", 4)):
            for method in METHODS:
                images = USUAL.images if factor == 16 else BOTH
                values = {
                    row["image"]: float(row["value"])
                    for row in rows
                    if (row["factor"], row["metric"], row["method"]) == (str(factor), metric, method)
                }
                assert f"<span>{np.mean([values[image] for image in images]):.{digits}f}</span>" in source
