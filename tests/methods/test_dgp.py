"""dgp: its loss in float64, a bank that is given back bit for bit, and tunings of a small bank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.base.errors import UsageError
from bench.images.degradation import resize_tensor
from bench.registry.methods import create
from methods.dgp import features, tuning
from methods.dgp.features import DiscriminatorFeatures
from methods.shared import banks
from tests.methods.common import loaded
from tests.methods.inverting import Pooled, diverged, pooled_distance, shrunk, target


def test_the_loss_equals_a_computation_in_float64():
    rng = np.random.default_rng(5)
    made, lr, z = rng.random((1, 3, 8, 8)), rng.random((1, 3, 8, 8)), rng.standard_normal((1, 24))
    wanted = 10 * ((2 * made - 2 * lr) ** 2).mean() + 0.7 * pooled_distance(made, lr) + 0.02 * (z**2).mean() / 2
    one, other, latent = (torch.from_numpy(array).float() for array in (made, lr, z))
    near = Pooled().distance(Pooled()(one), Pooled()(other))
    got = tuning.total(one, other, near, latent, pixel_weight=10.0, feature_weight=0.7)
    assert got.item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(("preset", "pixels", "features"), [("paper", 1, 1), ("fast", 10, 0.02)])
def test_a_tuning_begins_with_the_loss_of_its_preset_in_float64(small, preset, pixels, features):
    scene, lr = tuning.Scene(banks.load(str(small)), Pooled(30)), target(small).lr
    plan = tuning.plan(preset, 2)
    z = tuning.nearest(scene, lr, scene.perceptual(lr), plan, seed=6, chunk=8)
    _, values = tuning.run(scene, lr, 6, plan)
    made, wanted = shrunk(scene.bank.synthesise(scene.bank.map(z)).image), lr.double().numpy()
    loss = pixels * ((2 * made - 2 * wanted) ** 2).mean() + features * 30 * pooled_distance(made, wanted)
    loss += 0.02 * (z.double().numpy() ** 2).mean() / 2
    assert values["objective_first"] == pytest.approx(loss, rel=1e-5)


def test_discriminator_features_are_those_of_its_last_blocks_and_what_its_last_layer_sees(judged, monkeypatch):
    judge = banks.load(str(judged)).discriminator
    images = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    outputs = []
    for image in images:
        x = judge.from_rgb(F.interpolate(2 * image - 1, size=(32, 32), mode="bilinear", align_corners=False))
        stages = []
        for block in judge.blocks:
            x = block(x)
            stages.append(x.double().numpy())
        deviation = torch.full_like(x[:, :1], 1e-4)  # of a group of one image
        stages.append(judge.dense(judge.last(torch.cat([x, deviation], 1)).flatten(1)).double().numpy())
        outputs.append(stages)
    assert len(outputs[0]) == 4  # 32, 16 and 8 pixels, and no pixels
    for last in (8, 2):
        monkeypatch.setattr(features, "LAST", last)
        seen = DiscriminatorFeatures(judge, 32)
        pairs = list(zip(*outputs, strict=True))[-last:]
        wanted = sum(np.abs(one - other).mean() for one, other in pairs)
        found = [seen(image) for image in images]
        assert seen.distance(*found).item() == pytest.approx(wanted, rel=1e-5)
        assert seen.distance(found[0], found[0]).item() == 0
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in judge.modules())


def test_the_published_start_is_the_nearest_by_the_last_three_features(small):
    class Watched(Pooled):
        def __call__(self, image):
            return [image + number for number in range(5)]

        def distance(self, made, wanted):
            seen.append((len(made), len(wanted)))
            return (made[0] - wanted[0]).square().mean()

    seen, lr = [], target(small).lr
    scene = tuning.Scene(banks.load(str(small)), Watched())
    for preset, count in (("paper", 3), ("fast", 5)):
        plan = tuning.plan(preset, 8)
        tuning.nearest(scene, lr, scene.perceptual(lr), plan, seed=0, chunk=2)
        assert set(seen) == {(count, count)}
        assert len(seen) == plan.candidates
        seen.clear()


def test_the_bank_is_given_back_bit_for_bit_even_after_a_failure(small, light, monkeypatch):
    method = loaded(f"dgp[bank={small},steps=8]")
    bank = method._bank
    before = {name: value.clone() for name, value in bank.state_dict().items()}
    moved = []

    walk = tuning.Search.walk

    def breaking(search, *given, **options):
        walk(search, *given, **options)
        moved.append(any(not value.equal(before[name]) for name, value in bank.state_dict().items()))
        if len(moved) == 2:
            raise RuntimeError("in the middle")

    monkeypatch.setattr(tuning.Search, "walk", breaking)
    with pytest.raises(RuntimeError, match="in the middle"):
        method.restore(target(small))
    assert moved[-1]
    for name, value in bank.state_dict().items():
        assert value.equal(before[name]), name
    assert not any(value.requires_grad or value.grad is not None for value in bank.parameters())


def test_a_tuning_that_diverges_gives_its_best_and_the_bank_as_it_was(small, light, monkeypatch):
    plan = tuning.plan("paper")._replace(candidates=2)
    steep = tuple(stage._replace(bank_rate=1e3) for stage in plan.stages)
    monkeypatch.setitem(tuning.PLANS, "paper", plan._replace(stages=steep))
    method = loaded(f"dgp[preset=paper,bank={small}]")
    before = {name: value.clone() for name, value in method._bank.state_dict().items()}
    diverged(method, target(small), monkeypatch)
    for name, value in method._bank.state_dict().items():
        assert value.equal(before[name]), name


def test_memory_that_runs_out_once_in_choosing_is_recorded(small, light, monkeypatch):
    asked = []
    nearest = tuning.nearest

    def short(*given, chunk, **named):
        asked.append(chunk)
        if chunk > 4:
            raise torch.OutOfMemoryError
        return nearest(*given, chunk=chunk, **named)

    monkeypatch.setattr(tuning, "nearest", short)
    done = loaded(f"dgp[bank={small},steps=2]").restore(target(small))
    assert asked == [8, 4]
    assert done.values[0]["smaller_chunk"] == 1


def test_stages_tune_more_and_more_of_the_bank(small, light, monkeypatch):
    bank = banks.load(str(small))
    groups = bank.groups()
    with tuning.restored(bank):
        z = torch.zeros(1, 24, requires_grad=True)
        for count in (0, 1, 3):
            stage = tuning.Stage(count, 1, 1e-3, 1e-2)
            optimiser = tuning._optimiser(bank, z, stage, tuning.plan("paper"))
            assert {group["betas"] for group in optimiser.param_groups} == {(0.0, 0.999)}
            assert len(optimiser.param_groups) == 1 + sum(map(len, groups[:count]))
            assert [group["lr"] for group in optimiser.param_groups] == [1e-2] + [1e-3] * sum(
                map(len, groups[:count])
            )
            assert all(value.requires_grad for group in groups[:count] for value in group)
            assert not any(value.requires_grad for group in groups[count:] for value in group)
    assert not any(value.requires_grad for group in groups for value in group)


def test_relative_rates_follow_the_size_of_each_tensor(small):
    bank = banks.load(str(small))
    with tuning.restored(bank):
        tuned = bank.groups()[0]
        with torch.no_grad():
            tuned[0].mul_(50)
        sizes = [float(value.detach().double().square().mean().sqrt()) for value in tuned]
        z = torch.zeros(1, 24, requires_grad=True)
        optimiser = tuning._optimiser(bank, z, tuning.Stage(1, 1, 1e-3, 1e-2), tuning.plan("fast"))
        rates = [group["lr"] for group in optimiser.param_groups[1:]]
        assert rates == pytest.approx([1e-3 * size for size in sizes], rel=1e-5)


def test_the_start_is_the_nearest_candidate(small):
    bank = banks.load(str(small))
    plan = tuning.plan("fast")._replace(candidates=6)
    lr, scene = target(small).lr, tuning.Scene(bank, Pooled())
    wanted = Pooled()(lr)
    z = plan.spread * torch.randn(6, 24, generator=torch.Generator().manual_seed(9))
    losses = []
    for one in z.split(1):
        image = bank.synthesise(bank.map(one)).image
        made = resize_tensor((image + 1) / 2, 8, 8)
        near = Pooled().distance(Pooled()(made), wanted)
        losses.append(10 * (2 * made - 2 * lr).square().mean() + plan.feature_weight * near)
    best = z[int(torch.stack(losses).argmin())]
    for chunk in (1, 4):
        assert tuning.nearest(scene, lr, wanted, plan, seed=9, chunk=chunk)[0].equal(best)


def test_a_tuning_halves_its_objective_and_repeats_bit_for_bit(small, light):
    given = target(small, seeds=(1, 2))
    method = loaded(f"dgp[bank={small},steps=28]")
    done, again = method.restore(given), method.restore(given)
    assert done.sr.equal(again.sr)
    assert done.values == again.values
    for value in done.values:
        assert value["objective"] <= 0.5 * value["objective_first"]
        assert (value["steps"], value["diverged"], value["smaller_chunk"]) == (28, 0, 0)


def test_the_published_preset_and_a_bank_with_a_discriminator(judged):
    plan = tuning.plan("paper")
    assert [stage.groups for stage in plan.stages] == [2, 3, 4, 5, 7]
    assert [stage.steps for stage in plan.stages] == [200] * 5
    assert [stage.bank_rate for stage in plan.stages] == [5e-5, 5e-5, 2e-5, 1e-5, 1e-5]
    assert [stage.latent_rate for stage in plan.stages] == [2e-3, 1e-3, 2e-5, 1e-5, 1e-5]
    assert (plan.candidates, plan.spread, plan.betas, plan.relative) == (500, 0.3, (0.0, 0.999), False)
    method = loaded(f"dgp[preset=paper,bank={judged},steps=10]")
    assert isinstance(method._perceptual, DiscriminatorFeatures)
    done = method.restore(target(judged))
    assert done.values[0]["objective"] < done.values[0]["objective_first"]


def test_options_and_identity():
    with pytest.raises(UsageError):
        create("dgp[steps=-1]")
    assert create("dgp").identity != create("dgp[preset=paper]").identity
