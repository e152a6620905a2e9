"""Operations counted by hand."""

import pytest
import torch

from bench.base.counting import COUNTED_STEPS, MacCounter, Steps, count_macs
from bench.base.metric import Better
from bench.store.records import COSTS


def test_macs_of_a_convolution_and_a_matrix_product() -> None:
    layer, image = torch.nn.Conv2d(3, 8, 5, padding=2, bias=False), torch.zeros(1, 3, 10, 12)
    a, b = torch.zeros(4, 6), torch.zeros(6, 7)

    def work() -> None:
        with torch.no_grad():
            layer(image)
            a @ b

    assert count_macs(work)[1] == 10 * 12 * 8 * 3 * 25 + 4 * 6 * 7


def test_macs_of_a_backward_pass_count() -> None:
    a, b = torch.zeros(4, 6, requires_grad=True), torch.zeros(6, 7, requires_grad=True)
    assert count_macs(lambda: (a @ b).sum().backward())[1] == 3 * 4 * 6 * 7


def test_macs_equal_torchs_own_count_in_every_mode() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    net, image = (
        torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(288, 5)),
        torch.zeros(2, 3, 8, 8),
    )

    def inferred() -> None:
        with torch.inference_mode():
            net(image)

    for work in (
        inferred,
        lambda: net(image).sum().backward(),
        lambda: torch.einsum("nsk,skd->nsd", torch.zeros(2, 3, 4), torch.zeros(3, 4, 5)),
    ):
        with FlopCounterMode(display=False) as theirs:
            work()
        assert count_macs(work)[1] * 2 == theirs.get_total_flops() > 0


def test_the_first_steps_of_a_search_stand_for_the_others(monkeypatch):
    a, b, called = torch.zeros(4, 6, requires_grad=True), torch.zeros(6, 7), []
    dispatch = MacCounter.__torch_dispatch__
    monkeypatch.setattr(
        MacCounter,
        "__torch_dispatch__",
        lambda *given, **more: called.append(given[1]) or dispatch(*given, **more),
    )

    def search(count):
        steps = Steps()
        for _ in range(count):
            with steps.step():
                (a @ b).sum().backward()
        a @ b  # after them it is counted again

    _, few = count_macs(lambda: search(COUNTED_STEPS))
    calls = len(called)
    _, many = count_macs(lambda: search(50))
    assert (few, many) == ((2 * COUNTED_STEPS + 1) * 4 * 6 * 7, (2 * 50 + 1) * 4 * 6 * 7)
    assert len(called) == 2 * calls, "more steps are no more work for the counter"


def test_a_step_that_fails_leaves_counting_as_it_was():
    def search():
        steps = Steps()
        for number in range(COUNTED_STEPS + 1):
            with steps.step():
                torch.zeros(4, 6) @ torch.zeros(6, 7 if number < COUNTED_STEPS else 0)
                if number == COUNTED_STEPS:
                    raise ArithmeticError

    with pytest.raises(ArithmeticError):
        count_macs(search)
    assert count_macs(lambda: torch.zeros(4, 6) @ torch.zeros(6, 7))[1] == 4 * 6 * 7


def test_costs_are_better_when_lower() -> None:
    assert [cost.name for cost in COSTS] == [
        *("seconds", "peak_memory_mb", "allocated_memory_mb", "parameters_m", "gmacs"),
    ]
    assert {cost.better for cost in COSTS} == {Better.LOWER}
