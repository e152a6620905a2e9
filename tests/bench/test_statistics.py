"""Statistics against scipy, published examples, brute force and simulation."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.base.errors import UsageError
from bench.base.metric import Better
from bench.statistics import (
    Verdict,
    common_values,
    compare,
    compare_all,
    compare_to_baseline,
    holm,
    mean_interval,
    paired,
    rank_intervals,
    smallest_detectable_difference,
    too_small,
    wilcoxon,
)


def skewed(n: int, seed: int = 0) -> np.ndarray:
    """Gamma variates in steps of 1/64: scipy's sums of them are exact, so it sees the ties that there are."""
    return np.round(np.random.default_rng(seed).gamma(1.5, 2.0, n) * 64) / 64


@pytest.mark.parametrize("n", [4, 12, 200])
def test_interval_equals_scipys_bca(n: int) -> None:
    values = skewed(n)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=100_000, method="BCa", rng=np.random.default_rng(7), batch=2000
    ).confidence_interval
    found = mean_interval(values, seed=1, n=100_000)
    width = expected.high - expected.low  # two independent draws of 100,000 differ by about half a percent of it
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.low == pytest.approx(expected.low, abs=0.02 * width)
    assert found.high == pytest.approx(expected.high, abs=0.02 * width)
    assert found.n == n


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    inside = [
        found.low <= 3 <= found.high
        for found in (mean_interval(skewed(40, seed), seed, n=2000) for seed in range(300))
    ]
    assert 0.89 <= np.mean(inside) <= 0.98  # 95 % nominal; 300 trials have a standard error of 1.3 %


def test_interval_is_a_function_of_values_and_seed() -> None:
    values = skewed(20)
    assert mean_interval(values, 3) == mean_interval(values, 3)
    assert mean_interval(values, 3) != mean_interval(values, 4)


def test_interval_does_not_depend_on_how_resamples_are_held(monkeypatch) -> None:
    monkeypatch.setattr("bench.statistics._CHUNK", 20 * 1000)
    found = mean_interval(skewed(20), 3)
    monkeypatch.setattr("bench.statistics._CHUNK", 20 * 500)
    assert mean_interval(skewed(20), 3) == found


def test_interval_of_equal_values_and_of_one_value() -> None:
    assert mean_interval([2.5] * 6)[:3] == (2.5, 2.5, 2.5)
    single = mean_interval([2.5])
    assert single.mean == 2.5
    assert np.isnan([single.low, single.high]).all()


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [[1.0, 2.0]]])
def test_what_has_no_statistics_is_refused(values) -> None:
    with pytest.raises(UsageError, match="one finite number an image"):
        mean_interval(values)


@pytest.mark.parametrize("n", [6, 15, 80])
def test_paired_equals_scipys_wilcoxon(n: int) -> None:
    a, b = skewed(n, 1), skewed(n, 2)
    found = paired(a, b, Better.HIGHER)
    assert found.p == pytest.approx(stats.wilcoxon(a, b).pvalue, rel=1e-12)
    assert found.difference == pytest.approx((a - b).mean(), rel=1e-9)
    assert found.win_rate == pytest.approx((a > b).mean())
    assert found.low < found.difference < found.high


def test_wilcoxon_by_enumerating_all_signs() -> None:
    differences = np.array([0.3, -0.1, 0.7, 1.1, 0.2, -0.4, 0.9])
    ranks = stats.rankdata(np.abs(differences))
    seen = ranks[differences > 0].sum()
    sums = np.array([ranks @ signs for signs in itertools.product([0, 1], repeat=7)])
    expected = min(1, 2 * min((sums >= seen).mean(), (sums <= seen).mean()))
    assert wilcoxon(differences) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("better", "verdict"), [(Better.HIGHER, Verdict.BETTER), (Better.LOWER, Verdict.WORSE)])
def test_direction_decides_the_verdict(better: Better, verdict: Verdict) -> None:
    b = skewed(12)
    found = paired(b + 1 + 0.1 * skewed(12, 5), b, better)
    assert found.verdict is verdict
    assert found.win_rate == (better is Better.HIGHER)


def test_equal_methods_are_not_told_apart() -> None:
    values = skewed(12)
    found = paired(values, values, Better.LOWER)
    assert (found.p, found.win_rate, found.verdict) == (1.0, 0.5, Verdict.UNDECIDED)


def test_ties_and_zeros_are_survived() -> None:
    a, b = np.array([1.0, 2, 2, 3, 3, 3, 5, 8]), np.array([1.0, 1, 1, 2, 3, 2, 4, 7])
    found = paired(a, b, Better.HIGHER)
    assert 0 < found.p < 0.05
    assert found.win_rate == pytest.approx((6 + 2 * 0.5) / 8)


@pytest.mark.parametrize(
    ("n", "family", "expected"), [(5, 1, True), (6, 1, False), (6, 2, True), (7, 3, False), (3, 1, True)]
)
def test_n_too_small_is_where_no_p_reaches_five_percent(n: int, family: int, expected: bool) -> None:
    smallest = stats.wilcoxon(np.arange(1.0, n + 1)).pvalue  # every image agrees
    assert (min(holm([smallest] * family)) > 0.05) == expected
    assert too_small(n, family) is expected


def test_too_few_images_give_that_verdict() -> None:
    assert paired([5.0, 6, 7], [1.0, 2, 3.5], Better.HIGHER).verdict is Verdict.TOO_SMALL


def test_holm_equals_its_textbook_example() -> None:
    # Wikipedia, Holm-Bonferroni method: 0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])


def test_compare_corrects_the_family_and_shares_its_resamples() -> None:
    baseline = skewed(15)
    methods = np.stack([baseline + shift + 0.2 * skewed(15, k) for k, shift in enumerate((0.1, -0.6, -0.2))], 1)
    found = compare(methods, baseline, Better.HIGHER)
    alone = [paired(column, baseline, Better.HIGHER) for column in methods.T]
    assert [row.p for row in found] == pytest.approx(holm([row.p for row in alone]))
    assert np.array([row[:3] for row in found]) == pytest.approx(np.array([row[:3] for row in alone]))


def test_paired_values_of_different_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match=r"same images.*got 3, expected 2"):
        paired([1, 2, 3], [1, 2], Better.HIGHER)


def test_ranks_equal_a_loop_over_resamples() -> None:
    table = np.random.default_rng(0).normal([[1.0], [1.1], [0.4], [2.0]], 1, (4, 25))
    found = rank_intervals(table, Better.LOWER, seed=0)
    assert [row.rank for row in found] == [2, 3, 1, 4]
    rng, ranks = np.random.default_rng(11), []
    for _ in range(4000):
        means = table[:, rng.integers(0, 25, 25)].mean(1)
        ranks.append([1 + sum(other < mean for other in means) for mean in means])
    low, high = np.quantile(ranks, [0.025, 0.975], axis=0)
    assert [row.low for row in found] == pytest.approx(low)
    assert [row.high for row in found] == pytest.approx(high)


def test_ranks_follow_the_direction_and_share_ties() -> None:
    table = [[3.0, 3.0], [1.0, 1.0], [1.0, 1.0]]
    assert [row.rank for row in rank_intervals(table, Better.HIGHER)] == [1, 2.5, 2.5]
    assert [row.rank for row in rank_intervals(table, Better.LOWER)] == [3, 1.5, 1.5]


@pytest.mark.parametrize("n", [4, 20])
def test_smallest_detectable_difference_is_found_in_four_of_five_experiments(n: int) -> None:
    differences = np.random.default_rng(2).normal(0, 1, n)
    effect = smallest_detectable_difference(differences)
    samples = np.random.default_rng(3).normal(effect, differences.std(ddof=1), (20_000, n))
    power = (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.012)  # four standard errors
    assert np.isnan(smallest_detectable_difference([1.0]))


def long_frame() -> pd.DataFrame:
    """Three methods, two factors, eight images; `b` lacks one image, one value comes from two repeats."""
    rows = []
    for factor, (k, image) in itertools.product((16, 32), enumerate("stuvwxyz")):
        for method, shift in (("a", 0.0), ("b", 1.0), ("c", -0.5)):
            if (method, image) == ("b", "z"):
                rows.append((method, "faces", factor, image, 0, None, None, "error"))
                continue
            for repeat in range(2 if method == "a" else 1):
                value = 20 + k + shift * (1 + 0.1 * k) + (repeat - 0.5 if method == "a" else 0)
                rows.append((method, "faces", factor, image, repeat, "psnr", value, "done"))
                rows.append((method, "faces", factor, image, repeat, "seconds", 1.0, "done"))
        rows.append(("a", "faces", factor, None, 0, "fid", 3.0, "done"))
    columns = ["method", "category", "factor", "image", "repeat", "metric", "value", "status"]
    return pd.DataFrame(rows, columns=columns)


def test_common_values_are_of_the_images_that_all_methods_have() -> None:
    table = common_values(long_frame(), "faces", 32, "psnr")
    assert list(table) == ["a", "b", "c"]
    assert sorted(table.index) == list("stuvwxy")
    assert table.loc["t", "a"] == 21.0  # the mean of its two repeats
    assert common_values(long_frame(), "faces", 32, "fid").empty


def test_comparison_of_a_run_with_its_baseline() -> None:
    found = compare_to_baseline(
        long_frame(), "a", {"psnr": Better.HIGHER, "fid": Better.LOWER, "ssim": Better.HIGHER}
    )
    assert list(zip(found.factor, found.method, strict=True)) == [(16, "b"), (16, "c"), (32, "b"), (32, "c")]
    assert list(found.verdict) == ["better", "worse"] * 2
    assert found.n.tolist() == [7] * 4
    assert found["mean"][0] - found.baseline_mean[0] == pytest.approx(found.difference[0])
    assert found.difference[0] == pytest.approx(np.mean([1 + 0.1 * k for k in range(7)]))
    assert found.p.tolist() == pytest.approx([2 * 2 / 2**7] * 4)  # all seven agree, two methods in the family
    assert set(found.metric) == {"psnr"}


def test_comparison_wants_a_known_baseline() -> None:
    with pytest.raises(UsageError, match="unknown method 'd'"):
        compare_to_baseline(long_frame(), "d", {"psnr": Better.HIGHER})


def test_a_run_of_one_method_has_nothing_to_compare() -> None:
    frame = long_frame()
    found = compare_to_baseline(frame[frame.method == "a"], "a", {"psnr": Better.HIGHER})
    assert found.empty
    assert "verdict" in found


@pytest.mark.parametrize(
    "differences",
    [
        [1, -1, 2, 2, 3, -0.5],
        [0, 0, 1, 2, -3],
        [0.5] * 6,
        [0, 4, -4, 4, 0.25, -1, 7],
        [0, 1],
        [-2, -2, 2, 1, 1, 1, 0, 3],
    ],
)
def test_ties_and_zeros_of_a_few_images_are_what_scipy_finds(differences):
    assert wilcoxon(differences) == pytest.approx(stats.wilcoxon(differences).pvalue, abs=1e-12)


def test_every_baseline_says_what_a_family_of_its_own_says():
    table = np.random.default_rng(5).normal(size=(12, 4)) + np.arange(4) * 0.4
    found = compare_all(table, Better.HIGHER)
    for baseline in range(4):
        others = [index for index in range(4) if index != baseline]
        own = compare(table[:, others], table[:, baseline], Better.HIGHER)
        assert found[baseline][baseline] is None
        for index, expected in zip(others, own, strict=True):
            assert found[baseline][index][:6] == pytest.approx(expected[:6], abs=1e-12)
            assert found[baseline][index].verdict is expected.verdict


def test_one_method_has_no_other_to_be_compared_with():
    with pytest.raises(UsageError, match="nothing to compare"):
        compare_all(np.ones((3, 1)), Better.HIGHER)
