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
from methods.shared.inversion.context import SearchContext
from tests.methods.common import loaded
from tests.methods.inverting import Pooled, check_divergence, downsampled, pooled_distance, target


def test_the_loss_equals_a_computation_in_float64():
    rng = np.random.default_rng(5)
    made, lr, z = rng.random((1, 3, 8, 8)), rng.random((1, 3, 8, 8)), rng.standard_normal((1, 24))
    expected = 10 * ((2 * made - 2 * lr) ** 2).mean() + 0.7 * pooled_distance(made, lr) + 0.02 * (z**2).mean() / 2
    one, other, latent = (torch.from_numpy(array).float() for array in (made, lr, z))
    config = tuning.configure("fast")._replace(pixel_weight=10.0, feature_weight=0.7)
    loss = tuning.objective(one, other, Pooled().distance(Pooled()(one), Pooled()(other)), latent, config)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("preset", "pixels", "features"), [("paper", 1, 1), ("fast", 10, 0.02)])
def test_a_tuning_begins_with_the_loss_of_its_preset_in_float64(small, preset, pixels, features):
    context, lr = SearchContext(banks.load(str(small)), Pooled(30), "lite0"), target(small).lr
    config = tuning.configure(preset, 2)
    z = tuning.nearest(context, lr, config, seed=6, chunk=8)
    _, values = tuning.run(context, lr, 6, config)
    made, wanted = downsampled(context.bank.synthesise(context.bank.map(z)).image), lr.double().numpy()
    loss = pixels * ((2 * made - 2 * wanted) ** 2).mean() + features * 30 * pooled_distance(made, wanted)
    loss += 0.02 * (z.double().numpy() ** 2).mean() / 2
    assert values["objective_first"] == pytest.approx(loss, rel=1e-5)


def test_discriminator_features_are_those_of_its_last_blocks_and_what_its_last_layer_sees(
    with_discriminator, monkeypatch
):
    discriminator = banks.load(str(with_discriminator)).discriminator
    images = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    outputs = []
    for image in images:
        x = discriminator.from_rgb(
            F.interpolate(2 * image - 1, size=(32, 32), mode="bilinear", align_corners=False)
        )
        stages = []
        for block in discriminator.blocks:
            x = block(x)
            stages.append(x.double().numpy())
        deviation = torch.full_like(x[:, :1], 1e-4)  # of a group of one image
        stages.append(
            discriminator.dense(discriminator.last(torch.cat([x, deviation], 1)).flatten(1)).double().numpy()
        )
        outputs.append(stages)
    assert len(outputs[0]) == 4  # 32, 16 and 8 pixels, and no pixels
    for last in (8, 2):
        monkeypatch.setattr(features, "LAST", last)
        network = DiscriminatorFeatures(discriminator, 32)
        pairs = list(zip(*outputs, strict=True))[-last:]
        expected = sum(np.abs(one - other).mean() for one, other in pairs)
        first, second = (network(image) for image in images)
        assert network.distance(first, second).item() == pytest.approx(expected, rel=1e-5)
        assert network.distance(first, first).item() == 0
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in discriminator.modules())


def test_the_published_start_is_the_nearest_by_the_last_three_features(small):
    class Watched(Pooled):
        def __call__(self, image):
            return [image + number for number in range(5)]

        def distance(self, features, target):
            counts.append((len(features), len(target)))
            return (features[0] - target[0]).square().mean()

    counts, lr = [], target(small).lr
    context = SearchContext(banks.load(str(small)), Watched(), "lite0")
    for preset, count in (("paper", 3), ("fast", 5)):
        config = tuning.configure(preset, 8)
        tuning.nearest(context, lr, config, seed=0, chunk=2)
        assert set(counts) == {(count, count)}
        assert len(counts) == config.candidates
        counts.clear()


def test_the_bank_is_given_back_bit_for_bit_even_after_a_failure(small, light, monkeypatch):
    method = loaded(f"dgp[bank={small},steps=8]")
    bank = method._bank
    before = {name: value.clone() for name, value in bank.state_dict().items()}
    moved = []

    optimise = tuning.Search.optimise

    def breaking(search, *arguments):
        optimise(search, *arguments)
        moved.append(any(not value.equal(before[name]) for name, value in bank.state_dict().items()))
        if moved[-1]:
            raise RuntimeError("in the middle")

    monkeypatch.setattr(tuning.Search, "optimise", breaking)
    with pytest.raises(RuntimeError, match="in the middle"):
        method.restore(target(small))
    assert moved[-1]
    for name, value in bank.state_dict().items():
        assert value.equal(before[name]), name
    assert not any(value.requires_grad or value.grad is not None for value in bank.parameters())


def test_a_tuning_that_diverges_gives_its_best_and_the_bank_as_it_was(small, light, monkeypatch):
    config = tuning.configure("paper")._replace(candidates=2)
    steep = tuple(stage._replace(bank_rate=1e3) for stage in config.stages)
    monkeypatch.setitem(tuning.PRESETS, "paper", config._replace(stages=steep))
    method = loaded(f"dgp[preset=paper,bank={small}]")
    before = {name: value.clone() for name, value in method._bank.state_dict().items()}
    check_divergence(method, target(small), monkeypatch)
    for name, value in method._bank.state_dict().items():
        assert value.equal(before[name]), name


def test_memory_that_runs_out_once_in_choosing_is_recorded(small, light, monkeypatch):
    asked = []
    nearest = tuning.nearest

    def short(*arguments, chunk, **named):
        asked.append(chunk)
        if chunk > 4:
            raise torch.OutOfMemoryError
        return nearest(*arguments, chunk=chunk, **named)

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
            optimiser = tuning._optimiser(bank, z, stage, tuning.configure("paper"))
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
        optimiser = tuning._optimiser(bank, z, tuning.Stage(1, 1, 1e-3, 1e-2), tuning.configure("fast"))
        rates = [group["lr"] for group in optimiser.param_groups[1:]]
        assert rates == pytest.approx([1e-3 * size for size in sizes], rel=1e-5)


def test_the_start_is_the_nearest_candidate(small):
    bank = banks.load(str(small))
    config = tuning.configure("fast")._replace(candidates=6)
    lr, context = target(small).lr, SearchContext(bank, Pooled(), "lite0")
    features = Pooled()(lr)
    z = config.spread * torch.randn(6, 24, generator=torch.Generator().manual_seed(9))
    losses = []
    for one in z.split(1):
        image = bank.synthesise(bank.map(one)).image
        made = resize_tensor((image + 1) / 2, 8, 8)
        near = Pooled().distance(Pooled()(made), features)
        losses.append(10 * (2 * made - 2 * lr).square().mean() + config.feature_weight * near)
    best = z[int(torch.stack(losses).argmin())]
    for chunk in (1, 4):
        assert tuning.nearest(context, lr, config, seed=9, chunk=chunk)[0].equal(best)


def test_a_tuning_halves_its_objective_and_repeats_bit_for_bit(small, light):
    given = target(small, seeds=(1, 2))
    method = loaded(f"dgp[bank={small},steps=28]")
    done, again = method.restore(given), method.restore(given)
    assert done.sr.equal(again.sr)
    assert done.values == again.values
    for value in done.values:
        assert value["objective"] <= 0.5 * value["objective_first"]
        assert (value["steps"], value["diverged"], value["smaller_chunk"]) == (28, 0, 0)


def test_the_best_of_the_starts_is_tuned_on(small, monkeypatch):
    """Whichever comes first; it is what each of them alone would have become."""
    context, lr = SearchContext(banks.load(str(small)), Pooled(30), "lite0"), target(small).lr
    config = tuning.configure("fast")._replace(stages=(tuning.Stage(0, 6, 0.0, 3e-2),), corrections=None)
    starts = tuning.nearest(context, lr, config._replace(candidates=8, starts=2), seed=6, chunk=8)

    def last(chosen):
        monkeypatch.setattr(tuning, "nearest", lambda *_, **__: chosen)
        _, values = tuning.run(context, lr, 6, config)
        assert values["steps"] == 6 * len(chosen)
        return values["objective_last"]

    alone = [last(starts[:1]), last(starts[1:])]
    assert alone[0] != alone[1]
    assert last(starts) == last(starts.flip(0)) == min(alone)


def test_the_published_preset_and_a_bank_with_a_discriminator(with_discriminator):
    config = tuning.configure("paper")
    assert [stage.groups for stage in config.stages] == [2, 3, 4, 5, 7]
    assert [stage.steps for stage in config.stages] == [200] * 5
    assert [stage.bank_rate for stage in config.stages] == [5e-5, 5e-5, 2e-5, 1e-5, 1e-5]
    assert [stage.latent_rate for stage in config.stages] == [2e-3, 1e-3, 2e-5, 1e-5, 1e-5]
    assert (config.candidates, config.spread, config.betas, config.relative) == (500, 0.3, (0.0, 0.999), False)
    assert config.starts == 1
    method = loaded(f"dgp[preset=paper,bank={with_discriminator},steps=10]")
    assert isinstance(method._perceptual, DiscriminatorFeatures)
    done = method.restore(target(with_discriminator))
    assert done.values[0]["objective"] < done.values[0]["objective_first"]


def test_the_published_preset_feeds_vgg16_as_published(small, monkeypatch):
    """[-1, 1] without ImageNet's normalisation, bilinear to 256, up to relu4_2."""
    random, shapes = torch.Generator().manual_seed(0), {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128)}
    shapes |= {10: (128, 256), 12: (256, 256), 14: (256, 256), 17: (256, 512), 19: (512, 512)}
    weights = {}
    for layer, (inputs, outputs) in shapes.items():
        weights[f"features.{layer}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=random) / inputs**0.5
        weights[f"features.{layer}.bias"] = torch.randn(outputs, generator=random)
    monkeypatch.setattr("bench.networks.imagenet.load_convolutions", lambda _: weights)
    method, image = loaded(f"dgp[preset=paper,perceptual=vgg16,bank={small}]"), torch.rand(1, 3, 8, 8)
    x = F.interpolate(2 * image - 1, (256, 256), mode="bilinear", align_corners=False)
    for layer in shapes:
        x = F.relu(F.conv2d(x, weights[f"features.{layer}.weight"], weights[f"features.{layer}.bias"], padding=1))
        x = F.max_pool2d(x, 2) if layer in (2, 7, 14) else x
    (feature,) = method._perceptual(image)
    torch.testing.assert_close(feature, x)
    assert method._perceptual.distance([feature], [x + 2]).item() == pytest.approx(4)


def test_options_and_identity():
    with pytest.raises(UsageError):
        create("dgp[steps=-1]")
    assert create("dgp").identity != create("dgp[preset=paper]").identity
