"""pulse: its loss against numpy, its optimiser, and both searches on real banks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bench.base.bank import Latents
from bench.base.errors import MethodError, UsageError
from bench.base.seeds import Domain
from bench.base.types import Batch, Category
from bench.images.degradation import make_lr, resize_tensor
from bench.images.png import to_pixels, to_tensor
from bench.registry.methods import create
from methods.pulse import loss, space
from methods.shared import banks
from tests.methods.common import loaded

FACES = Category("faces", "faces")


@pytest.fixture(scope="module")
def bank():
    return banks.load("mobilestylegan")


@pytest.fixture(scope="module")
def face(bank):
    """The LR, 16 pixels wide, of a face that the bank can make."""
    with torch.inference_mode():
        image = bank.synthesise(bank.sample([0], Domain.VALIDATION, 0.7)).image
    return to_tensor(make_lr(to_pixels((image[0] + 1) / 2), 64))


def batch(lr, factor, seeds=(1,), category=FACES):
    return Batch(lr, factor, tuple("abcd"[: len(lr)]), seeds, category)


def test_the_loss_equals_a_computation_in_float64():
    rng = np.random.default_rng(20)
    made, lr, latents = rng.random((2, 3, 4, 4)), rng.random((2, 3, 4, 4)), rng.standard_normal((2, 3, 8))
    made[1] = lr[1] + 0.01  # within eps: it costs eps
    l2 = sum(max(((made[i] - lr[i]) ** 2).mean(), 2e-3) for i in range(2))
    geocross = 0.0
    for image in latents:
        angles = [
            2 * math.atan2(np.linalg.norm(one - other), np.linalg.norm(one + other))
            for one in image
            for other in image
        ]
        geocross += np.mean(np.square(angles)) * 8 / 8
    tensors = [torch.from_numpy(array).float() for array in (made, lr, latents)]
    assert loss.l2(tensors[0], tensors[1], 2e-3).item() == pytest.approx(l2, rel=1e-5)
    assert loss.geocross(tensors[2]).item() == pytest.approx(
        geocross, rel=1e-3
    )  # float32 near angle 0: 6e-5 radians
    assert loss.objective(*tensors, 2e-3).item() == pytest.approx(100 * l2 + 0.05 * geocross, rel=1e-5)


def test_the_loss_has_a_gradient_where_all_slots_are_equal():
    latents = torch.ones(1, 4, 8, requires_grad=True)
    loss.geocross(latents).backward()
    assert latents.grad.isfinite().all()


def test_the_rate_rises_falls_and_drops():
    rates = [space.one_cycle(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[45] == max(rates) == pytest.approx(1.0)
    assert rates[90] == pytest.approx(0.1)
    assert rates[99] == pytest.approx(0.1 - 0.9 * 0.099)
    published = [(9 * (1 - abs(x / 90 - 0.5) * 2) + 1) / 10 for x in range(90)]
    assert rates[:90] == pytest.approx(published)


def test_every_step_ends_on_the_sphere(bank):
    point = space.start(bank, 3)
    before = [tensor.detach().clone() for tensor in point.moving]
    optimiser = space.SphericalAdam(point.moving)
    for _ in range(3):
        optimiser.zero_grad()
        sum((tensor * torch.linspace(-1, 1, tensor.shape[-1])).sum() for tensor in point.moving).backward()
        optimiser.step()
    for tensor, old in zip(point.moving, before, strict=True):
        axes = tuple(range(2, tensor.ndim))
        torch.testing.assert_close(tensor.square().sum(axes), old.square().sum(axes), rtol=1e-5, atol=0)
        assert not tensor.equal(old)
    assert len(point.moving) == 1 + space.TRAINED_NOISES
    assert not point.noise[-1].any()


def test_the_prior_makes_latents_like_the_banks(bank):
    prior = space.fit(bank)
    z = torch.randn(4000, 512, generator=torch.Generator().manual_seed(0))
    made, real = prior.latents(z), bank.sample(range(5000, 6000), Domain.FITTING)
    assert (made.mean(0) - real.mean(0)).abs().mean() < 0.05  # their deviation is about 0.45
    assert made.std(0).mean().item() == pytest.approx(real.std(0).mean().item(), rel=0.1)


def test_the_search_through_surrogates_finds_a_face(face):
    """Half the steps and five times the eps that the defaults have; the saved image keeps what was found."""
    method = loaded("pulse[steps=50,eps=1e-2]")
    given = batch(face, 64)
    done = method.restore(given)
    [values] = done.values
    assert values["missed_eps"] == 0
    assert values["lr_mse"] <= 1e-2
    assert values["steps"] >= 50
    made = make_lr(to_pixels(done.sr[0]), 64) / 255.0
    error = np.square(made - face[0].permute(1, 2, 0).numpy()).mean()
    assert error == pytest.approx(values["lr_mse"], rel=0.02)
    assert done.sr.shape == (1, 3, 1024, 1024)


@pytest.mark.parametrize("how", ["surrogate", "full"])
def test_a_missed_eps_is_a_value_and_seeds_decide(face, how):
    method = loaded(f"pulse[steps=1,eps=0,search={how}]")
    done = method.restore(batch(face.repeat(2, 1, 1, 1), 64, seeds=(1, 2)))
    for value, sr in zip(done.values, done.sr.split(1), strict=True):
        lr_mse = (resize_tensor(sr, 16, 16) - face).square().mean().item()
        assert (value["missed_eps"], value["diverged"]) == (1, 0)
        assert value["lr_mse"] == pytest.approx(lr_mse, rel=1e-5)
        assert value["objective"] <= value["objective_first"]
    assert not done.sr[0].equal(done.sr[1])
    assert method.restore(batch(face, 64, seeds=(2,))).sr[0].equal(done.sr[1])


def test_the_published_search_on_another_bank(small):
    """An image of the bank itself: 60 steps come much nearer to it than one does."""
    other = banks.load(str(small))
    target = other.synthesise(other.sample([0], Domain.VALIDATION)).image.clamp(-1, 1)
    given = batch(
        resize_tensor((target + 1) / 2, 8, 8).clamp(0, 1).repeat(2, 1, 1, 1), 4, (5, 6), Category("c", None)
    )
    one, many = (
        loaded(f"pulse[search=full,bank={small},steps={steps}]").restore(given).values for steps in (1, 60)
    )
    assert all(after["lr_mse"] < 0.5 * before["lr_mse"] for before, after in zip(one, many, strict=True))
    assert all(value["objective"] < 0.5 * value["objective_first"] for value in many)
    assert [value["steps"] for value in many] == [60, 60]
    assert many[0]["lr_mse"] != many[1]["lr_mse"]


def test_a_search_that_diverges_stops_with_the_best_it_saw(small, monkeypatch):
    losses = []

    def objective(*arguments):
        losses.append(loss_of(*arguments))
        return losses[-1] * (float("nan") if len(losses) > 3 else 1.0)

    loss_of = loss.objective
    monkeypatch.setattr(loss, "objective", objective)
    [values] = (
        loaded(f"pulse[search=full,bank={small},steps=50]")
        .restore(batch(torch.full((1, 3, 8, 8), 0.5), 4, category=Category("c", None)))
        .values
    )
    assert (values["diverged"], values["steps"], len(losses)) == (1, 3, 4)
    assert values["objective"] == min(value.item() for value in losses[:3])


def test_a_bank_without_a_mapping_is_searched_where_its_latents_are_drawn(small):
    other = banks.load(str(small))
    z = torch.randn(1, *other.latents, generator=torch.Generator().manual_seed(0))
    assert not space.fit(other).latents(z).equal(z)
    other.latents = Latents(1, other.latents.width)
    assert space.fit(other).latents(z).equal(z)


@pytest.mark.parametrize(
    ("text", "lr", "hr", "category", "says"),
    [
        ("pulse", (16, 16), (1024, 1024), FACES, None),
        ("pulse", (64, 64), (1024, 1024), Category("mine", None), None),
        ("pulse", (16, 32), (1024, 2048), FACES, "square"),
        ("pulse", (16, 16), (256, 256), FACES, "makes 1024 pixels, not 256"),
        ("pulse", (16, 16), (1024, 1024), Category("cats", "cats"), "makes faces, this category shows cats"),
        ("pulse", (128, 128), (1024, 1024), FACES, None),
        ("pulse", (256, 256), (1024, 1024), FACES, "search=full"),
        ("pulse", (512, 512), (1024, 1024), FACES, "search=full"),
        ("pulse[search=full]", (512, 512), (1024, 1024), FACES, None),
    ],
)
def test_what_it_supports(text, lr, hr, category, says):
    reason = create(text).method.supports(lr, hr, hr[0] // lr[0], category)
    assert reason is None if says is None else says in reason


def test_a_bank_without_surrogates_is_for_the_published_search_only(small):
    sizes = (8, 8), (32, 32), 4, Category("c", "cats")
    assert "search=full" in create(f"pulse[bank={small}]").method.supports(*sizes)
    assert create(f"pulse[search=full,bank={small}]").method.supports(*sizes) is None


def test_the_wrong_size_for_a_bank_known_by_its_file_only(small):
    method = loaded(f"pulse[search=full,bank={small},steps=1]")
    with pytest.raises(MethodError, match="images of another size"):
        method.restore(batch(torch.rand(1, 3, 8, 8), 8))


@pytest.mark.parametrize("options", ["steps=0", "eps=-1", "search=fast", "bank=mobilestyle"])
def test_options_that_mean_nothing(options):
    with pytest.raises(UsageError):
        create(f"pulse[{options}]").method.assets()
