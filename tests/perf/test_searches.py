"""What one step of a search costs, beside its own convolutions and products."""

from __future__ import annotations

import pytest
import torch

from methods.pulse import space
from methods.pulse.search import PulseContext, problem
from methods.shared import banks
from methods.shared.banks import surrogate
from methods.shared.inversion.search import Search
from tests.perf.floor import floor
from tests.perf.timing import ratio


@pytest.fixture(scope="module")
def bank():
    return banks.load("mobilestylegan")


@pytest.fixture
def search(bank):
    """A search, and the optimiser of its point."""
    point = space.start(bank, 0)
    context = PulseContext(bank, space.fit(bank))
    return Search(problem(context, torch.rand(1, 3, 32, 32), point, 2e-3)), space.SphericalAdam(point.moving)


@pytest.mark.parametrize("resolution", surrogate.RESOLUTIONS)
def test_a_step_through_a_surrogate(bank, search, report, resolution):
    (searching, optimiser), network = search, surrogate.load(bank, resolution)

    def step():
        searching.optimise(optimiser, [0.1], network)

    cost = ratio(step, floor(step))
    what = f"a step of pulse through the surrogate of {resolution} / its convolutions and products"
    report(what, cost.median, cost.spread)
    assert cost.median <= 2.5


def test_a_step_of_the_full_bank(search, report):
    searching, optimiser = search

    def step():
        searching.optimise(optimiser, [0.1])

    cost = ratio(step, floor(step), turns=3)
    report("a step of pulse[search=full] / its convolutions and products", cost.median, cost.spread)
    assert cost.median <= 5
