"""The grammar by which a command names things, and typed options."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

import pytest

from bench.base import options
from bench.base.errors import UsageError
from bench.registry.selection import parse, split


@pytest.mark.parametrize(
    ("text", "label", "name", "argument", "given"),
    [
        ("glean", None, "glean", None, {}),
        ("esrgan+", None, "esrgan+", None, {}),
        ("pulse[steps=200,bank=x]", None, "pulse", None, {"steps": "200", "bank": "x"}),
        ("./mine.py", None, "./mine.py", None, {}),
        ("folder:results/theirs", None, "folder", "results/theirs", {}),
        ("mine=folder:a=b/c", "mine", "folder", "a=b/c", {}),
        ("faces=~/a b[prepare=centre-crop:512]", "faces", "~/a b", None, {"prepare": "centre-crop:512"}),
    ],
)
def test_parse(text, label, name, argument, given):
    selection = parse(text)
    assert (selection.label, selection.name, selection.argument, selection.options) == (
        label,
        name,
        argument,
        given,
    )
    assert parse(str(selection)) == selection


def test_split_keeps_brackets_together():
    assert split(["a, b[c=1,d=2]", "e=folder:x"]) == ["a", "b[c=1,d=2]", "e=folder:x"]


@pytest.mark.parametrize("text", ["pulse[steps=2", "pulse steps=2]", "pulse[steps]", "=x", "a b=x", "mine="])
def test_malformed_selections_are_refused_in_one_sentence(text):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
    assert text in str(caught.value)


class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"


@dataclass(frozen=True)
class Options:
    steps: int = 3
    eps: float = 0.5
    mode: Mode = Mode.FAST
    search: Literal["surrogate", "full"] = "surrogate"
    weights: Path | None = None
    is_loud: bool = False
    stages: tuple[int, ...] = (1, 2)


def test_options_are_converted_by_their_types():
    given = {"steps": "7", "mode": "slow", "search": "full", "weights": "~/x", "is_loud": "true", "stages": "4+5"}
    built = options.build(Options, given, "pulse")
    assert built == Options(7, 0.5, Mode.SLOW, "full", Path("~/x").expanduser(), True, (4, 5))
    plain = options.describe(built)
    assert plain["mode"] == "slow"
    assert plain["stages"] == [4, 5]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"step": "1"}, r"unknown option of pulse 'step'.*did you mean steps"),
        ({"steps": "many"}, r"option pulse\[steps\]: got 'many', expected int"),
        ({"search": "deep"}, r"expected one of surrogate, full"),
        ({"mode": "1"}, r"expected one of fast, slow"),
        ({"is_loud": "maybe"}, r"expected one of true"),
    ],
)
def test_wrong_options_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        options.build(Options, given, "pulse")


def test_double_quotes_keep_commas_and_brackets_of_a_path():
    texts = split(['mine="a, b [1]"[prepare=none],other=folder:"SR[x16]"', "bicubic"])
    first, second, third = map(parse, texts)
    assert (first.label, first.target, first.options) == ("mine", "a, b [1]", {"prepare": "none"})
    assert (second.name, second.argument, second.options) == ("folder", "SR[x16]", {})
    assert str(first) == texts[0]
    assert (str(second), str(third)) == ('other="folder:SR[x16]"', "bicubic")
    assert parse(str(second)) == second


def test_a_path_that_looks_like_options_says_how_to_quote_it():
    with pytest.raises(UsageError, match="put a path with brackets or commas in double quotes"):
        parse("mine=folder:results [1]")
