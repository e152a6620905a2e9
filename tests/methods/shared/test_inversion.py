"""What the searches share: they stop when they diverge, keep the best, and try a smaller chunk once."""

from __future__ import annotations

import pytest
import torch

from bench.base.bank import Synthesis
from bench.base.errors import MethodError
from bench.base.types import Category
from bench.registry.methods import create
from methods.shared import banks
from methods.shared.inversion import Draw, Problem, Search, incompatibility_reason, smaller_once, surrogates_for
from tests.methods.inverting import Pooled


def search(start: float, rate: float, loss=None):
    """A search for the grey 0.5 by one number, whose image it is everywhere."""
    point = torch.tensor([start], requires_grad=True)
    lr = torch.full((1, 3, 4, 4), 0.5)

    def draw(stop_at):
        return Draw(Synthesis({}, (2 * point - 1).view(1, 1, 1, 1).expand(1, 3, 8, 8)), point)

    found = Search(Problem(lr, draw, loss or (lambda made: (made - lr).square().mean())))
    return found, torch.optim.SGD([point], rate)


def test_a_sound_search_keeps_its_best_and_says_how_far_it_came():
    found, optimiser = search(1.0, 0.2)
    found.walk(optimiser, 20, None)
    image, values = found.seen.found()
    assert values["objective_first"] == pytest.approx(0.25)
    assert values["objective"] == found.seen.least < 1e-6
    assert values["lr_mse"] == pytest.approx(values["objective"], rel=1e-3, abs=1e-9)
    assert (values["steps"], values["diverged"]) == (20, 0)
    assert image.shape == (1, 3, 8, 8)


def test_a_bank_that_is_resumed_is_read_out_where_it_makes_features():
    bank = banks.load("mobilestylegan")
    resolutions = {layer: surrogates_for(bank, 16, layer) for layer in (0, 32, 64, 128, 256)}
    assert [head.resolution for head in resolutions[0]] == [64, 64, 128]
    assert resolutions[32] == resolutions[0]
    assert [head.resolution for head in resolutions[64]] == [128, 128, 256]
    assert [head.resolution for head in resolutions[128]] == [256, 256, 256]
    assert resolutions[256] is None


def test_a_search_that_diverges_is_stopped_with_its_best_kept():
    found, optimiser = search(0.6, 5.0)  # every step multiplies the error by -9
    found.walk(optimiser, 50, None)
    image, values = found.seen.found()
    assert values["diverged"] == 1
    assert values["steps"] < 5
    assert image.mean().item() == pytest.approx(0.6)
    assert values["objective"] == pytest.approx(0.01, rel=1e-4)
    found.walk(optimiser, 5, None)
    assert found.seen.steps == values["steps"]


def test_nan_is_divergence_and_no_finite_loss_at_all_is_an_error():
    found, optimiser = search(1.0, 0.1, lambda made: made.mean() * torch.nan)
    found.walk(optimiser, 5, None)
    assert found.seen.diverged
    assert found.seen.steps == 0
    with pytest.raises(MethodError, match="no image of a finite loss"):
        found.seen.found()


def test_the_rates_are_given_back_after_a_walk_that_lets_them_fall():
    found, optimiser = search(1.0, 0.1)
    found.walk(optimiser, 4, None, (1.0, 0.1))
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


def through_a_skewed_readout():
    """A search for a picture by its pixels, which a surrogate shows otherwise than the bank does."""
    torch.manual_seed(0)
    lr = torch.rand(1, 3, 4, 4)
    point = torch.full((1, 3, 8, 8), 0.0, requires_grad=True)

    def draw(stop_at):
        return Draw(Synthesis({4: point}, None if stop_at else point), point)

    return Search(Problem(lr, draw, lambda made: (made - lr).square().mean())), torch.optim.Adam([point], 0.05)


def test_at_the_point_of_a_correction_the_readout_says_what_the_bank_says():
    found, optimiser = through_a_skewed_readout()
    seen = []
    loss = found.problem.loss
    found.problem = found.problem._replace(loss=lambda made: seen.append(made.detach().clone()) or loss(made))
    found.correct(Skewed())
    found.walk(optimiser, 1, Skewed())
    torch.testing.assert_close(seen[1], seen[0], rtol=0, atol=1e-6)


def test_rounds_of_corrections_come_as_near_as_the_bank_can_show():
    once, optimiser = through_a_skewed_readout()
    once.correct(Skewed())
    once.walk(optimiser, 60, Skewed())
    once.whole()
    often, optimiser = through_a_skewed_readout()
    often.walk_and_correct(optimiser, 6, 10, Skewed(), (1.0, 0.5))
    often.whole()
    assert often.seen.steps == once.seen.steps == 60
    assert often.seen.least < 0.1 * once.seen.least
    assert (
        often.seen.first
        == once.seen.first
        == pytest.approx((0.5 - often.problem.lr).square().mean().item(), rel=1e-5)
    )


@pytest.mark.parametrize(
    ("lr", "hr", "category", "says"),
    [
        ((16, 16), (1024, 1024), Category("faces", "faces"), None),
        ((16, 32), (1024, 2048), Category("faces", "faces"), "mine restores square images, this LR is 32x16"),
        ((16, 16), (256, 256), Category("faces", "faces"), "makes 1024 pixels, not 256"),
        ((16, 16), (1024, 1024), Category("cats", "cats"), "makes faces, this category shows cats"),
    ],
)
def test_what_is_refused(lr, hr, category, says):
    reason = incompatibility_reason("mine", "mobilestylegan", lr, hr, category)
    assert reason is None if says is None else says in reason


def test_the_light_network_is_what_it_says():
    image = torch.rand(1, 3, 8, 8)
    (means,) = Pooled()(image)
    assert means[0, 0, 0, 0].item() == pytest.approx(image[0, 0, :2, :2].mean().item())


@pytest.mark.parametrize("name", ["mganprior", "dgp", "singan", "idinvert"])
def test_the_preset_is_in_the_title_and_in_the_identity(name):
    fast, paper = create(name), create(f"{name}[preset=paper]")
    assert (fast.method.title[-6:], paper.method.title[-7:]) == ("(fast)", "(paper)")
    assert fast.identity != paper.identity
