"""`bench metrics check` finds each planted fault, and a metric of a few lines works."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from bench.authoring.check import Problem
from bench.authoring.check_metric import check_here, check_metric
from bench.authoring.new import new_metric
from bench.base.errors import UsageError
from bench.registry import METRICS

MEAN = "return float(abs(sr.astype(int) - features).mean())"
BROKEN = {
    "wrong direction": ("return -" + MEAN.removeprefix("return "), Problem.DIRECTION, "better is lower"),
    "the same for all": ("return 1.0", Problem.CONSTANT, "all have 1; look at SR"),
    "order": (
        "self.n = getattr(self, 'n', 0) + 1; return float(abs(sr.astype(int) - features).mean() + self.n)",
        Problem.STATE,
        "another order",
    ),
    "chance": (
        "import os; return float(abs(sr.astype(int) - features).mean()) + os.urandom(8)[0] + os.getpid() * 0",
        Problem.NONDETERMINISM,
        "two fresh starts",
    ),
    "NaN": ("return float('nan')", Problem.NAN, "returned nan"),
    "infinite for equal images": (
        "import numpy as np\n        with np.errstate(all='ignore'):\n"
        "            return -float(1 / np.float64(abs(sr.astype(int) - features).mean()))",
        Problem.NAN,
        "returned -inf",
    ),
    "writes into SR": ("sr[0] = 0; " + MEAN, Problem.MUTATION, "compare() changed the image"),
    "no number": ("return 'good'", Problem.EXCEPTION, "returned no number: got 'good'"),
    "a number as text": ("return '0.5'", Problem.EXCEPTION, "returned no number: got '0.5'"),
    "nothing": ("pass", Problem.EXCEPTION, "returned no number: got None"),
    "raises": ("return self.netork(sr)", Problem.EXCEPTION, ".py:"),
}
EDITED = {
    "no reference": (
        "    signature",
        '    reference = "none"\n    signature',
        Problem.REFERENCE,
        "features is None",
    ),
    "unknown reference": (
        "    signature",
        '    reference = "gt"\n    signature',
        Problem.REFERENCE,
        "not one of hr",
    ),
    "taken name": ('name = "mine"', 'name = "ssim"', Problem.SIGNATURE, "ssim is taken"),
    "no direction": (
        "    better = Better.LOWER\n",
        "",
        Problem.SIGNATURE,
        "does not declare better = bench.Better",
    ),
    "a word for a direction": ("Better.LOWER", '"lower"', Problem.SIGNATURE, "bench.Better.LOWER"),
    "features change HR": (
        "    def compare",
        "    def features(self, reference):\n        reference += 1\n        return reference\n\n    def compare",
        Problem.MUTATION,
        "features() changed",
    ),
    "last reference kept": (
        "    def compare",
        "    def features(self, reference):\n        self.last = reference\n        return reference\n\n"
        "    def compare",
        Problem.STATE,
        "another order",
    ),
}
SET = '''
import numpy as np

from bench import Better, SetMetric, SetValue


class Rows:
    def __init__(self): self.rows = []
    def add(self, features): self.rows.append(features)
    def merge(self, other): self.rows += other.rows
    n = property(lambda self: len(self.rows))


class Colours(SetMetric):
    """Distance of the mean colours of two sets."""

    name = "colours"
    better = Better.LOWER
    signature = "colours|v1"

    def features(self, image):
        return image.mean((0, 1)).astype(np.float32)

    def new_set(self):
        return Rows()

    def distance(self, sr, hr):
        a, b = (WHAT for one in (sr, hr))
        return SetValue(float(abs(a - b).sum()), sr.n)
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A metric that keeps the contract: the mean difference."""
    path = new_metric("mine", tmp_path)
    path.write_text(path.read_text().replace('raise ImageError("fill me in")', MEAN))
    return path


def findings(path: Path) -> list[tuple[Problem, str]]:
    return [tuple(finding) for finding in check_here(str(path))]


def test_a_few_lines_make_a_metric(tmp_path: Path, mine: Path) -> None:
    before = new_metric("other", tmp_path).read_text().replace("Other", "Mine").replace("other", "mine")
    lines = difflib.ndiff(before.splitlines(), mine.read_text().splitlines())
    assert 0 < len([line for line in lines if line[0] in "+-"]) <= 10
    assert check_metric(str(mine)) == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_value_is_found(mine: Path, case: str) -> None:
    body, problem, words = BROKEN[case]
    mine.write_text(mine.read_text().replace(MEAN, body))
    ((found, sentence),) = findings(mine)
    assert found is problem
    assert words in sentence


@pytest.mark.parametrize("case", EDITED)
def test_a_broken_class_is_found(mine: Path, case: str) -> None:
    old, new, problem, words = EDITED[case]
    text = mine.read_text().replace(old, new, 1)
    if "self.last" in new:
        text = text.replace(MEAN, MEAN.replace("features", "self.last"))
    mine.write_text(text)
    ((found, sentence),) = findings(mine)
    assert found is problem
    assert words in sentence


def test_a_set_metric_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "colours.py"
    path.write_text(SET.replace("WHAT", "np.mean(one.rows, axis=0)"))
    assert findings(path) == []
    path.write_text(SET.replace("WHAT", "one.rows[0]"))
    ((problem, _),) = findings(path)
    assert problem is Problem.STATE


def test_an_edited_file_is_another_metric(mine: Path) -> None:
    first = METRICS.create(str(mine)).signature
    mine.write_text(mine.read_text() + "\n")
    assert METRICS.create(str(mine)).signature.partition("|source:")[0] == first.partition("|source:")[0]
    assert METRICS.create(str(mine)).signature != first


def test_a_metric_that_takes_no_argument_says_so() -> None:
    with pytest.raises(UsageError, match=r"metric psnr takes no argument: got :y"):
        METRICS.create("psnr:y")
