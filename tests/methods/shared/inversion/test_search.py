"""What the searches share: they stop when they diverge, keep the best, and try a smaller chunk once."""

from __future__ import annotations

import pytest
import torch

from bench.base.bank import Synthesis
from bench.base.errors import MethodError
from methods.shared import banks
from methods.shared.inversion.context import falling, smaller_once, surrogates_for
from methods.shared.inversion.search import Draw, Problem, Round, Search
from tests.methods.inverting import Pooled


def search(start: float, rate: float, loss=None):
    """A search for the grey 0.5 by one number, whose image it is everywhere."""
    point = torch.tensor([start], requires_grad=True)
    lr = torch.full((1, 3, 4, 4), 0.5)

    def draw(stop_at):
        return Draw(Synthesis({}, (2 * point - 1).view(1, 1, 1, 1).expand(1, 3, 8, 8)), point)

    objective = loss or (lambda downsampled, _latents: (downsampled - lr).square().mean())
    return Search(Problem(lr, draw, objective)), torch.optim.SGD([point], rate)


def test_a_sound_search_keeps_its_best_and_says_how_far_it_came():
    searching, optimiser = search(1.0, 0.2)
    searching.optimise(optimiser, [1.0] * 20)
    image, values = searching.best.result()
    assert values["objective_first"] == pytest.approx(0.25)
    assert values["objective"] == searching.best.least < 1e-6
    assert values["objective_last"] < values["objective_first"]
    assert values["lr_mse"] == pytest.approx(values["objective"], rel=1e-3, abs=1e-9)
    assert (values["steps"], values["diverged"]) == (20, 0)
    assert image.shape == (1, 3, 8, 8)


def test_a_bank_that_is_resumed_has_surrogates_where_it_makes_features():
    bank = banks.load("mobilestylegan")
    resolutions = {layer: surrogates_for(bank, 16, layer) for layer in (0, 32, 64, 128, 256)}
    assert [surrogate.resolution for surrogate in resolutions[0]] == [64, 64, 128]
    assert resolutions[32] == resolutions[0]
    assert [surrogate.resolution for surrogate in resolutions[64]] == [128, 128, 256]
    assert [surrogate.resolution for surrogate in resolutions[128]] == [256, 256, 256]
    assert resolutions[256] is None


def test_a_search_that_diverges_is_stopped_with_its_best_kept():
    searching, optimiser = search(0.6, 5.0)  # every step multiplies the error by -9
    searching.optimise(optimiser, [1.0] * 50)
    image, values = searching.best.result()
    assert values["diverged"] == 1
    assert values["steps"] < 5
    assert image.mean().item() == pytest.approx(0.6)
    assert values["objective"] == pytest.approx(0.01, rel=1e-4)
    assert values["objective_last"] > 50 * values["objective"]
    searching.optimise(optimiser, [1.0] * 5)
    assert searching.best.steps == values["steps"]


def test_nan_is_divergence_and_no_finite_loss_at_all_is_an_error():
    searching, optimiser = search(1.0, 0.1, lambda downsampled, _latents: downsampled.mean() * torch.nan)
    searching.optimise(optimiser, [1.0] * 5)
    assert searching.best.diverged
    assert searching.best.steps == 0
    with pytest.raises(MethodError, match="no image of a finite loss"):
        searching.best.result()


def test_the_rates_are_given_back_after_steps_that_let_them_fall():
    searching, optimiser = search(1.0, 0.1)
    searching.optimise(optimiser, falling(1.0, 0.1, 4))
    assert optimiser.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:130] . DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_memory_that_runs_out_is_met_with_half_a_chunk_once(error):
    seen = []

    def run(chunk, most):
        seen.append(chunk)
        if chunk > most:
            raise error
        return "done"

    assert smaller_once(lambda chunk: run(chunk, 4), 8) == ("done", 4)
    with pytest.raises(type(error)):
        smaller_once(lambda chunk: run(chunk, 1), 8)
    with pytest.raises(type(error)):
        smaller_once(lambda chunk: run(chunk, 0), 1)
    assert seen == [8, 4, 8, 4, 1]


def test_another_error_is_not_tried_again():
    seen = []

    def run(chunk):
        seen.append(chunk)
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        smaller_once(run, 8)
    assert seen == [8]


class Skewed:
    """A surrogate that sees the feature too bright by a tenth and a little too strong."""

    resolution = 8

    def __call__(self, feature, latents):
        return 1.1 * feature + 0.2


def through_a_skewed_surrogate():
    """A search for a picture by its pixels, which a surrogate shows otherwise than the bank does."""
    torch.manual_seed(0)
    lr = torch.rand(1, 3, 4, 4)
    point = torch.full((1, 3, 8, 8), 0.0, requires_grad=True)

    def draw(stop_at):
        return Draw(Synthesis({4: point}, None if stop_at else point), point)

    def objective(downsampled, _latents):
        return (downsampled - lr).square().mean()

    return Search(Problem(lr, draw, objective)), torch.optim.Adam([point], 0.05)


def test_at_the_point_of_a_correction_the_surrogate_says_what_the_bank_says():
    searching, optimiser = through_a_skewed_surrogate()
    compared = []
    objective = searching.problem.objective

    def watched(downsampled, latents):
        compared.append(downsampled.detach().clone())
        return objective(downsampled, latents)

    searching.problem = searching.problem._replace(objective=watched)
    searching.correct(Skewed())
    searching.optimise(optimiser, [1.0], Skewed())
    torch.testing.assert_close(compared[1], compared[0], rtol=0, atol=1e-6)


def test_rounds_of_corrections_come_as_near_as_the_bank_can_show():
    once, optimiser = through_a_skewed_surrogate()
    once.correct(Skewed())
    once.optimise(optimiser, [1.0] * 60, Skewed())
    once.evaluate()
    often, optimiser = through_a_skewed_surrogate()
    assert often.optimise_corrected(optimiser, [Round(Skewed(), [rate] * 10) for rate in falling(1.0, 0.5, 6)])
    often.evaluate()
    assert often.best.steps == once.best.steps == 60
    assert often.best.least < 0.1 * once.best.least
    assert (
        often.best.first
        == once.best.first
        == pytest.approx((0.5 - often.problem.lr).square().mean().item(), rel=1e-5)
    )


def test_a_solved_problem_ends_the_corrections():
    solved, optimiser = through_a_skewed_surrogate()
    solved.problem = solved.problem._replace(is_solved=lambda _downsampled: solved.best.steps >= 20)
    assert not solved.optimise_corrected(optimiser, [Round(Skewed(), [1.0] * 10)] * 6)
    assert solved.best.steps == 20


def test_the_light_network_is_what_it_says():
    image = torch.rand(1, 3, 8, 8)
    (means,) = Pooled()(image)
    assert means[0, 0, 0, 0].item() == pytest.approx(image[0, 0, :2, :2].mean().item())
