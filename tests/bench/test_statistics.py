"""Statistics against scipy, published examples, brute force and simulation."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from bench.base.errors import UsageError
from bench.base.metric import Better
from bench.statistics import (
    Interval,
    PairedTest,
    Verdict,
    compare,
    compare_all,
    holm,
    mean_intervals,
    rank_intervals,
    smallest_detectable_difference,
    too_small,
    wilcoxon,
)


def skewed(n: int, seed: int = 0) -> np.ndarray:
    """Gamma variates in steps of 1/64: scipy's sums of them are exact, so it sees the ties that there are."""
    return np.round(np.random.default_rng(seed).gamma(1.5, 2.0, n) * 64) / 64


def mean_interval(values: npt.ArrayLike, seed: int = 0, n: int = 10_000) -> Interval:
    """The interval of one column."""
    return mean_intervals(np.asarray(values)[:, None], seed, n)[0]


def paired(a: npt.ArrayLike, b: npt.ArrayLike, better: Better) -> PairedTest:
    """The test of one method: a family of its own."""
    return compare(np.asarray(a)[:, None], b, better)[0]


@pytest.mark.parametrize("n", [4, 12, 200])
def test_interval_equals_scipys_bca(n: int) -> None:
    values = skewed(n)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=100_000, method="BCa", rng=np.random.default_rng(7), batch=2000
    ).confidence_interval
    interval = mean_interval(values, seed=1, n=100_000)
    width = expected.high - expected.low  # two independent draws of 100,000 differ by about half a percent of it
    assert interval.mean == pytest.approx(values.mean(), rel=1e-12)
    assert interval.low == pytest.approx(expected.low, abs=0.02 * width)
    assert interval.high == pytest.approx(expected.high, abs=0.02 * width)
    assert interval.n == n


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    inside = [
        interval.low <= 3 <= interval.high
        for interval in (mean_interval(skewed(40, seed), seed, n=2000) for seed in range(300))
    ]
    assert 0.89 <= np.mean(inside) <= 0.98  # 95 % nominal; 300 trials have a standard error of 1.3 %


def test_interval_is_a_function_of_values_and_seed() -> None:
    values = skewed(20)
    assert mean_interval(values, 3) == mean_interval(values, 3)
    assert mean_interval(values, 3) != mean_interval(values, 4)


def test_interval_does_not_depend_on_how_resamples_are_held(monkeypatch) -> None:
    monkeypatch.setattr("bench.statistics._CHUNK", 20 * 1000)
    interval = mean_interval(skewed(20), 3)
    monkeypatch.setattr("bench.statistics._CHUNK", 20 * 500)
    assert mean_interval(skewed(20), 3) == interval


def test_interval_of_equal_values_and_of_one_value() -> None:
    assert mean_interval([2.5] * 6)[:3] == (2.5, 2.5, 2.5)
    single = mean_interval([2.5])
    assert single.mean == 2.5
    assert np.isnan([single.low, single.high]).all()


@pytest.mark.parametrize("values", [[], [[1.0], [float("nan")]], [1.0, 2.0]])
def test_what_has_no_statistics_is_refused(values) -> None:
    with pytest.raises(UsageError, match="one finite number an image"):
        mean_intervals(values)


@pytest.mark.parametrize("n", [6, 15, 80])
def test_paired_equals_scipys_wilcoxon(n: int) -> None:
    a, b = skewed(n, 1), skewed(n, 2)
    test = paired(a, b, Better.HIGHER)
    assert test.p == pytest.approx(stats.wilcoxon(a, b).pvalue, rel=1e-12)
    assert test.difference == pytest.approx((a - b).mean(), rel=1e-9)
    assert test.win_rate == pytest.approx((a > b).mean())
    assert test.low < test.difference < test.high


def test_wilcoxon_by_enumerating_all_signs() -> None:
    differences = np.array([0.3, -0.1, 0.7, 1.1, 0.2, -0.4, 0.9])
    ranks = stats.rankdata(np.abs(differences))
    observed = ranks[differences > 0].sum()
    sums = np.array([ranks @ signs for signs in itertools.product([0, 1], repeat=7)])
    expected = min(1, 2 * min((sums >= observed).mean(), (sums <= observed).mean()))
    assert wilcoxon(differences) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("better", "verdict"), [(Better.HIGHER, Verdict.BETTER), (Better.LOWER, Verdict.WORSE)])
def test_direction_decides_the_verdict(better: Better, verdict: Verdict) -> None:
    b = skewed(12)
    test = paired(b + 1 + 0.1 * skewed(12, 5), b, better)
    assert test.verdict is verdict
    assert test.win_rate == (better is Better.HIGHER)


def test_equal_methods_are_not_told_apart() -> None:
    values = skewed(12)
    test = paired(values, values, Better.LOWER)
    assert (test.p, test.win_rate, test.verdict) == (1.0, 0.5, Verdict.UNDECIDED)


def test_ties_and_zeros_are_survived() -> None:
    a, b = np.array([1.0, 2, 2, 3, 3, 3, 5, 8]), np.array([1.0, 1, 1, 2, 3, 2, 4, 7])
    test = paired(a, b, Better.HIGHER)
    assert 0 < test.p < 0.05
    assert test.win_rate == pytest.approx((6 + 2 * 0.5) / 8)


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
    tests = compare(methods, baseline, Better.HIGHER)
    alone = [paired(column, baseline, Better.HIGHER) for column in methods.T]
    assert [row.p for row in tests] == pytest.approx(holm([row.p for row in alone]))
    assert np.array([row[:3] for row in tests]) == pytest.approx(np.array([row[:3] for row in alone]))


def test_p_values_of_methods_that_agree_on_every_image_are_the_smallest_of_their_family() -> None:
    baseline = 20.0 + np.arange(7)
    slopes = 1 + 0.1 * np.arange(7)
    tests = compare(np.stack([baseline + slopes, baseline - 0.5 * slopes], 1), baseline, Better.HIGHER)
    assert [test.verdict.value for test in tests] == ["better", "worse"]
    assert tests[0].difference == pytest.approx(slopes.mean())
    assert [test.p for test in tests] == pytest.approx([2 * 2 / 2**7] * 2)


def test_ranks_equal_a_loop_over_resamples() -> None:
    table = np.random.default_rng(0).normal([[1.0], [1.1], [0.4], [2.0]], 1, (4, 25))
    ranked = rank_intervals(table, Better.LOWER)
    assert [row.rank for row in ranked] == [2, 3, 1, 4]
    rng, ranks = np.random.default_rng(11), []
    for _ in range(4000):
        means = table[:, rng.integers(0, 25, 25)].mean(1)
        ranks.append([1 + sum(other < mean for other in means) for mean in means])
    low, high = np.quantile(ranks, [0.025, 0.975], axis=0)
    assert [row.low for row in ranked] == pytest.approx(low)
    assert [row.high for row in ranked] == pytest.approx(high)


def test_ranks_follow_the_direction_and_share_ties() -> None:
    table = [[3.0, 3.0], [1.0, 1.0], [1.0, 1.0]]
    assert [row.rank for row in rank_intervals(table, Better.HIGHER)] == [1, 2, 2]
    assert [row.rank for row in rank_intervals(table, Better.LOWER)] == [3, 1, 1]


@pytest.mark.parametrize("n", [4, 20])
def test_smallest_detectable_difference_is_found_in_four_of_five_experiments(n: int) -> None:
    differences = np.random.default_rng(2).normal(0, 1, n)
    effect = smallest_detectable_difference(differences)
    samples = np.random.default_rng(3).normal(effect, differences.std(ddof=1), (20_000, n))
    power = (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.012)  # four standard errors
    assert np.isnan(smallest_detectable_difference([1.0]))


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
    tests = compare_all(table, Better.HIGHER)
    for baseline in range(4):
        others = [index for index in range(4) if index != baseline]
        own = compare(table[:, others], table[:, baseline], Better.HIGHER)
        assert tests[baseline][baseline] is None
        for index, expected in zip(others, own, strict=True):
            assert tests[baseline][index][:6] == pytest.approx(expected[:6], abs=1e-12)
            assert tests[baseline][index].verdict is expected.verdict


def test_one_method_has_no_other_to_be_compared_with():
    with pytest.raises(UsageError, match="nothing to compare"):
        compare_all(np.ones((3, 1)), Better.HIGHER)
