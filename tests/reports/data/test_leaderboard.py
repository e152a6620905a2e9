"""The numbers of the leaderboards and of the tests, against computations of their own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.base.errors import UsageError
from bench.statistics import Verdict
from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.leaderboard import Board, Cell, Leaderboards
from reports.data.scores import Scores, Slice
from reports.data.significance import Significance
from reports.export import export
from reports.report import report
from tests.reports.conftest import USUAL
from tests.reports.making import RunSpec, value, write_run

RANKED = ("nearest", "bicubic", "pulse", "glean")
COMMON = {16: USUAL.images, 32: [image for image in USUAL.images if image not in {"0002", "0003"}]}


def tables_of(run: Run) -> Leaderboards:
    comparison = Comparison((run,))
    return Leaderboards(Significance(Scores(comparison)))


@pytest.fixture(scope="module")
def tables(usual: Run) -> Leaderboards:
    return tables_of(usual)


def cell_of(board: Board, method: str, metric: str) -> Cell:
    row = next(row for row in board.rows if row.method.label == method)
    return next(cell for cell in row.cells if cell.metric.name == metric)


@pytest.mark.parametrize("factor", USUAL.factors)
@pytest.mark.parametrize("metric", ["psnr", "ssim", "lpips"])
@pytest.mark.parametrize("method", RANKED)
def test_means_are_over_the_images_that_all_completed(
    tables: Leaderboards, factor: int, metric: str, method: str
) -> None:
    cell = cell_of(tables.board(Slice("faces", factor)), method, metric)
    values = [value(USUAL, method, image, factor, metric) for image in COMMON[factor]]
    assert cell.estimate.value == pytest.approx(np.mean(values), abs=1e-12)
    assert cell.estimate.n == len(values)
    assert cell.value == f"{np.mean(values):.{2 if metric == 'psnr' else 4}f}"


def test_an_interval_holds_its_mean_and_narrows_with_the_spread(tables: Leaderboards) -> None:
    cell = cell_of(tables.board(Slice("faces", 16)), "glean", "psnr")
    values = [value(USUAL, "glean", image, 16, "psnr") for image in USUAL.images]
    own = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1))
    assert cell.estimate.low < cell.estimate.value < cell.estimate.high
    assert cell.estimate.low == pytest.approx(own.confidence_interval.low, abs=0.06)
    assert cell.estimate.high == pytest.approx(own.confidence_interval.high, abs=0.06)


def test_an_image_without_a_value_counts_for_no_method(tables: Leaderboards) -> None:
    board = tables.board(Slice("faces", 16))
    for method in RANKED:
        values = [value(USUAL, method, image, 16, "lite2") for image in USUAL.images if image != "0004"]
        assert cell_of(board, method, "lite2").estimate.value == pytest.approx(np.mean(values), abs=1e-12)
    assert cell_of(board, "glean", "psnr").estimate.n == 8


def test_missing_cells_are_counted(tables: Leaderboards) -> None:
    board = tables.board(Slice("faces", 32))
    assert {row.method.label: row.done for row in board.rows} == {**dict.fromkeys([*RANKED, "hr"], 8), "pulse": 6}
    assert (board.common, board.total) == (6, 8)


@pytest.mark.parametrize("metric", ["psnr", "lpips", "fid"])
def test_best_and_second_follow_the_printed_numbers_without_the_bound(tables: Leaderboards, metric: str) -> None:
    board = tables.board(Slice("faces", 16))
    printed = {method: float(cell_of(board, method, metric).value) for method in RANKED}
    order = sorted(printed, key=printed.__getitem__, reverse=metric == "psnr")
    assert [m for m in [*RANKED, "hr"] if cell_of(board, m, metric).is_best] == [order[0]]
    assert [m for m in [*RANKED, "hr"] if cell_of(board, m, metric).is_second] == [order[1]]
    assert board.rows[-1].method.label == "hr"


@pytest.mark.parametrize("metric", ["psnr", "ssim", "lpips"])
def test_what_ties_with_the_best_is_what_the_paired_test_does_not_tell_apart(
    tables: Leaderboards, metric: str
) -> None:
    board = tables.board(Slice("faces", 16))
    cells = {method: cell_of(board, method, metric) for method in RANKED}
    best = next(method for method, cell in cells.items() if cell.is_best)
    values = {m: np.array([value(USUAL, m, image, 16, metric) for image in USUAL.images]) for m in RANKED}
    raw = {m: float(stats.wilcoxon(values[m] - values[best]).pvalue) for m in RANKED if m != best}
    ordered = sorted(raw, key=raw.__getitem__)
    steps = np.maximum.accumulate([raw[method] * (len(raw) - place) for place, method in enumerate(ordered)])
    tied = {method for method, p in zip(ordered, steps, strict=True) if p >= 0.05}
    assert {method for method, cell in cells.items() if cell.is_tied} == tied


def test_intervals_that_overlap_are_no_tie_where_the_images_agree(tables: Leaderboards) -> None:
    board = tables.board(Slice("faces", 16))
    best, other = (cell_of(board, method, "ssim") for method in ("glean", "bicubic"))
    assert best.is_best
    assert other.estimate.high > best.estimate.low
    assert not other.is_tied


def test_a_choice_of_methods_is_judged_by_the_tests_of_the_whole_board(tables: Leaderboards) -> None:
    where = Slice("faces", 16)
    table = tables.significance.against("bicubic")[0]
    tests = next(one.comparisons for one in table.entrants if one.method.label == "nearest")
    board = tables.selected(where, ["bicubic", "nearest"])
    for metric, test in zip(table.metrics, tests, strict=True):
        if cell_of(board, "bicubic", metric.name).is_best:
            is_undecided = test.test.verdict is Verdict.UNDECIDED
            assert cell_of(board, "nearest", metric.name).is_tied == is_undecided


def test_every_table_marks_the_same_ties(usual_page: Path, tables: Leaderboards) -> None:
    ties = sum(cell.is_tied for board in tables.every for row in board.rows for cell in row.cells)
    folder, page = usual_page.parent / "tables", usual_page.read_text(encoding="utf-8")
    latex = (folder / "leaderboard.tex").read_text(encoding="utf-8")
    assert ties == page.count("<i>≈</i><span>") == latex.count(r"& $\approx$")
    assert ties == (folder / "leaderboard.md").read_text(encoding="utf-8").count("| ≈ ")


def test_a_method_without_any_result_does_not_empty_the_table(tmp_path: Path) -> None:
    from bench.store.records import Status

    failed = {("glean", image, 16): (Status.ERROR, "it broke") for image in ("a", "b")}
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,), failed=failed))
    board = tables_of(run).board(Slice("faces", 16))
    assert board.absent == ("glean",)
    assert board.common == 2
    assert cell_of(board, "glean", "psnr").value == "\N{EN DASH}"


def test_no_common_image_means_no_means(tmp_path: Path) -> None:
    from bench.store.records import Status

    failed = {("nearest", "a", 16): (Status.ERROR, "x"), ("glean", "b", 16): (Status.ERROR, "x")}
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,), failed=failed))
    cell = cell_of(tables_of(run).board(Slice("faces", 16)), "glean", "psnr")
    assert np.isnan(cell.estimate.value)
    assert "its own 1 image" in cell.estimate.note


def test_the_files_hold_the_printed_numbers(usual_page: Path, tables: Leaderboards) -> None:
    lines = csv.DictReader(io.StringIO((usual_page.parent / "tables" / "leaderboard.csv").read_text()))
    values = {(line["factor"], line["method"], line["metric"]): line["value"] for line in lines}
    for board in tables.boards:
        for row in board.rows:
            for cell in row.cells:
                assert values[str(board.where.factor), row.method.label, cell.metric.name] == cell.value


def test_page_and_export_agree_to_the_last_printed_digit(usual: Run, usual_page: Path, tmp_path: Path) -> None:
    export(usual, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "psnr" and row["factor"] == "16"]
    mean = np.mean([float(row["value"]) for row in rows if row["method"] == "glean"])
    assert f"<span>{mean:.2f}</span>" in usual_page.read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", ["psnr", "lpips"])
def test_the_tests_equal_scipy(usual: Run, metric: str) -> None:
    comparison = Comparison((usual,))
    table = Significance(Scores(comparison), "bicubic").tables[0]
    column = [record.name for record in table.metrics].index(metric)
    own = np.array([value(USUAL, "bicubic", image, 16, metric) for image in USUAL.images])
    others = {
        method: np.array([value(USUAL, method, image, 16, metric) for image in USUAL.images]) - own
        for method in RANKED
        if method != "bicubic"
    }
    raw = {method: stats.wilcoxon(difference).pvalue for method, difference in others.items()}
    corrected, largest = {}, 0.0
    for rank, method in enumerate(sorted(raw, key=raw.__getitem__)):
        largest = max(largest, min(1.0, raw[method] * (len(raw) - rank)))
        corrected[method] = largest
    for one in table.entrants:
        test = one.comparisons[column].test
        if one.method.label == "bicubic":
            assert test is None
            continue
        assert test.difference == pytest.approx(others[one.method.label].mean(), abs=1e-12)
        assert test.p == pytest.approx(corrected[one.method.label], abs=1e-12)
        sign = -1 if metric == "lpips" else 1
        assert test.win_rate == np.mean(sign * others[one.method.label] > 0)


def test_few_images_are_said_to_be_too_few(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b", "c")))
    comparison = Comparison((run,))
    assert all(one.is_too_small for one in Significance(Scores(comparison)).tables)
    assert "n too small: with 3 images" in report([run]).read_text(encoding="utf-8")


def test_an_unknown_baseline_names_the_close_ones(usual: Run) -> None:
    with pytest.raises(UsageError, match="did you mean bicubic"):
        report([usual], baseline="bicubik")


def test_an_upper_bound_is_no_baseline(usual: Run) -> None:
    with pytest.raises(UsageError, match="unknown method 'hr'"):
        report([usual], baseline="hr")


def test_the_database_s_means_are_those_of_the_values(tmp_path):
    run = write_run(
        tmp_path / "run",
        RunSpec(images=("a", "b", "c"), categories=("one", "two"), unscored=[("glean", "b", "psnr")]),
    )
    keys = ["method", "category", "factor", "metric"]
    images = run.frame[run.frame.value.notna() & run.frame.image.notna()]
    expected = images.groupby(keys).value.agg(["mean", "size"])
    means = run.means.set_index(keys)
    assert len(means) == len(expected) > 20
    assert (means["mean"] - expected["mean"]).abs().max() < 1e-12
    assert means["n"].to_dict() == expected["size"].to_dict()
