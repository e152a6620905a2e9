"""The parts of a step add up to the step, each counted once."""

import time

import pytest

from methods.shared.training.stopwatch import Stopwatch


def test_an_inner_part_is_not_counted_for_the_outer_one(monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = Stopwatch()
    with watch("forward"):
        now += 1
        with watch("samples"):
            now += 2
        now += 3
    with watch("backward"):
        now += 4
    assert watch.shares() == pytest.approx({"forward": 0.4, "backward": 0.4, "samples": 0.2})
    assert watch.shares() == {}


def test_a_part_that_fails_is_counted_and_closed(monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = Stopwatch()
    with pytest.raises(KeyError), watch("forward"):
        now += 1
        raise KeyError
    with watch("backward"):
        now += 1
    assert watch.shares() == {"forward": 0.5, "backward": 0.5}
