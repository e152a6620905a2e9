"""What one step of a search costs, beside its own convolutions and products."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from methods.pulse import space
from methods.pulse.search import Search, Task
from methods.shared import banks
from methods.shared.banks import surrogate
from tests.perf.floor import floor
from tests.perf.timing import ratio


@pytest.fixture(scope="module")
def bank():
    return banks.load("mobilestylegan")


@pytest.fixture
def search(bank):
    task = Task(torch.rand(1, 3, 32, 32), seed=0, steps=100, eps=2e-3)
    return Search(bank, space.fit(bank), task, space.start(bank, 0))


@pytest.mark.parametrize("resolution", surrogate.RESOLUTIONS)
def test_a_step_through_a_readout(bank, search, report, resolution):
    head = surrogate.load(bank, resolution)

    def step():
        search.walk(partial(search.through, head), [0.1])

    found = ratio(step, floor(step))
    report(f"a step of pulse through the surrogate of {resolution} / its convolutions and products", found)
    assert found.median <= 2.5


def test_a_step_through_the_whole_bank(search, report):
    def step():
        search.walk(search.whole, [0.1])

    found = ratio(step, floor(step), turns=3)
    report("a step of pulse[search=full] / its convolutions and products", found)
    assert found.median <= 5
