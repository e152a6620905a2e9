"""What one forward pass of GLEAN costs, beside its bank and beside its own convolutions and products."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from methods.glean import weightfile
from methods.glean.forms import SHIPPED
from methods.shared import banks
from tests.perf.floor import floor
from tests.perf.timing import ratio


@pytest.fixture(scope="module")
def network():
    bank = banks.load("mobilestylegan")
    return weightfile.read(SHIPPED["faithful"], bank).eval()


@pytest.mark.parametrize("side", [16, 32, 64])
@torch.inference_mode()
def test_a_pass_costs_at_most_three_of_the_bank(network, report, side):
    lr = torch.rand(1, 3, side, side) * 2 - 1
    latents = network.bank.mean_latent.expand(1, -1)
    found = ratio(lambda: network(lr), lambda: network.bank.synthesise(latents), turns=5)
    report(f"a pass of glean from {side} / one of its bank", found.median, found.spread, most=3)
    assert found.median <= 3


@pytest.mark.parametrize("side", [16, 32, 64])
@torch.inference_mode()
def test_a_pass_is_mostly_convolutions_and_products(network, report, side):
    """The rest is bias, noise and activation, a pass over memory each."""
    lr = torch.rand(1, 3, side, side) * 2 - 1
    found = ratio(lambda: network(lr), floor(lambda: network(lr)), turns=5)
    report(f"a pass of glean from {side} / its convolutions and products", found.median, found.spread, most=1.3)
    assert found.median <= 2.2


@torch.inference_mode()
def test_the_work_of_a_pass(network, report):
    with FlopCounterMode(display=False) as counter:
        network(torch.rand(1, 3, 64, 64) * 2 - 1)
    report("billions of multiplications of a pass of glean from 64", counter.get_total_flops() / 2e9)
