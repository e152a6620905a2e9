"""mganprior: its loss in float64, its composition by hand, and searches on a small bank."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.base.errors import MethodError, UsageError
from bench.images.degradation import resize_tensor
from bench.registry.methods import create
from methods.mganprior import search
from methods.shared import banks
from methods.shared.inversion.context import SearchContext
from tests.methods.common import loaded
from tests.methods.inverting import Pooled, check_divergence, downsampled, pooled_distance, target


def test_the_loss_equals_a_computation_in_float64():
    rng = np.random.default_rng(4)
    made, lr = rng.random((1, 3, 8, 8)), rng.random((1, 3, 8, 8))
    pixels = ((2 * made - 1) - (2 * lr - 1)) ** 2
    expected = pixels.mean() + 0.3 * pooled_distance(made, lr)
    one, other = (torch.from_numpy(image).float() for image in (made, lr))
    loss = search.objective(one, other, 0.3 * Pooled().distance(Pooled()(one), Pooled()(other)))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def first_point(context, seed, codes):
    """Return the composition that a `paper` search over 8 pixels begins with."""
    start = torch.randn(codes + 1, 24, generator=torch.Generator().manual_seed(seed))
    return search.Composition(context, search.configure("paper", codes=codes, layer=8), start, chunk=codes)


@pytest.mark.parametrize(("network", "weight"), [("vgg16", 1e-3), ("lite0", 5e-3)])
def test_a_search_begins_with_the_loss_of_its_network_in_float64(small, network, weight):
    """Published: a weight of 1e-3 for VGG16's features, 1 for the pixels."""
    context = SearchContext(banks.load(str(small)), Pooled(1e3), network)
    lr, config = target(small).lr, search.configure("paper", codes=2, layer=8, steps=1)
    _, values = search.run(context, lr, 5, config)
    made, wanted = downsampled(first_point(context, 5, 2).draw(None).synthesis.image), lr.double().numpy()
    loss = ((2 * made - 2 * wanted) ** 2).mean() + weight * 1e3 * pooled_distance(made, wanted)
    assert values["objective_first"] == pytest.approx(loss, rel=1e-4)


def test_codes_are_composed_with_a_weight_a_channel(small):
    bank = banks.load(str(small))
    config = search.configure("fast", codes=3, layer=8)
    start = torch.randn(4, 24, generator=torch.Generator().manual_seed(5))
    point = search.Composition(SearchContext(bank, Pooled(), "lite0"), config, start, chunk=3)
    weights = torch.rand(3, bank.channels[8])
    point.weights.data.copy_(weights)
    alone = [bank.synthesise(bank.map(z[None]), stop_at=8).features[8] for z in point.z[:3]]
    by_hand = sum(w[:, None, None].double() * one[0].double() for w, one in zip(weights, alone, strict=True))
    torch.testing.assert_close(point.feature()[0].double(), by_hand, rtol=1e-4, atol=1e-5)
    above = bank.synthesise(bank.map(point.z[3:]), start=(8, point.feature())).image
    torch.testing.assert_close(point.draw(None).synthesis.image, above)


def test_smaller_chunks_change_nothing_but_the_memory(small):
    bank = banks.load(str(small))
    context, config = SearchContext(bank, Pooled(), "lite0"), search.configure("fast", codes=5, layer=8)
    start = torch.randn(6, 24, generator=torch.Generator().manual_seed(5))
    whole, parts = (search.Composition(context, config, start, chunk) for chunk in (5, 2))
    gradients = []
    for point in (whole, parts):
        point.draw(None).synthesis.image.square().mean().backward()
        gradients.append((point.z.grad, point.weights.grad))
    torch.testing.assert_close(parts.feature(), whole.feature(), rtol=1e-4, atol=1e-5)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
        assert one.abs().max() > 0


def test_a_search_halves_its_objective_and_repeats_bit_for_bit(small, light):
    given = target(small, seeds=(1, 2))
    method = loaded(f"mganprior[bank={small},codes=4,layer=8,steps=30]")
    done, again = method.restore(given), method.restore(given)
    assert done.sr.equal(again.sr)
    assert done.values == again.values
    for value, sr, lr in zip(done.values, done.sr.split(1), given.lr.split(1), strict=True):
        assert value["objective"] <= 0.5 * value["objective_first"]
        assert value["lr_mse"] == pytest.approx((resize_tensor(sr, 8, 8) - lr).square().mean().item(), rel=1e-4)
        assert (value["steps"], value["diverged"], value["smaller_chunk"]) == (30, 0, 0)


@pytest.mark.parametrize(("preset", "layers"), [("fast", [16, 16, 8, 4, 4]), ("paper", [16] * 5)])
def test_a_fast_search_composes_a_coarser_feature_for_a_smaller_lr(preset, layers):
    config = search.configure(preset)
    assert [config.for_lr(side).layer for side in (128, 64, 63, 16, 8)] == layers
    given = search.configure(preset, layer=8)
    assert [given.for_lr(side).layer for side in (64, 16)] == [8, 8]


def test_the_layer_of_a_search_is_that_of_its_lr(monkeypatch):
    monkeypatch.setattr(search, "_run", lambda _context, _lr, _seed, config, _chunk: (config.layer, {}))
    layer, _ = search.run(None, torch.zeros(1, 3, 32, 32), 0, search.configure("fast"))
    assert layer == 8


def test_the_published_preset_is_sgd(small, light):
    config = search.configure("paper")
    assert (config.codes, config.layer, config.steps, config.code_rate, config.betas) == (20, 16, 2000, 1.0, None)
    done = loaded(f"mganprior[preset=paper,bank={small},codes=4,layer=8,steps=30]").restore(target(small))
    assert done.values[0]["objective"] < done.values[0]["objective_first"]


def test_a_published_step_goes_straight_down_the_gradient(small, monkeypatch):
    points = []

    class Watched(search.Composition):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            points.append(self)

    context, lr = SearchContext(banks.load(str(small)), Pooled(), "vgg16"), target(small).lr
    before = first_point(context, 3, 4)
    made = resize_tensor((before.draw(None).synthesis.image + 1) / 2, 8, 8)
    loss = (2 * made - 2 * lr).square().mean() + 1e-3 * Pooled().distance(Pooled()(made), Pooled()(lr))
    loss.backward()
    monkeypatch.setattr(search, "Composition", Watched)
    search.run(context, lr, 3, search.configure("paper", codes=4, layer=8, steps=1))
    (after,) = points
    for one, other in ((before.z, after.z), (before.weights, after.weights)):
        assert one.grad.abs().max() > 1e-5
        torch.testing.assert_close(other - one, -one.grad, rtol=1e-3, atol=1e-6)


def test_a_search_that_diverges_gives_its_best_and_says_so(small, light, monkeypatch):
    steep = search.configure("paper")._replace(weight_rate=1e6)
    monkeypatch.setitem(search.PRESETS, "paper", steep)
    check_divergence(loaded(f"mganprior[preset=paper,bank={small},codes=4,layer=8]"), target(small), monkeypatch)


def test_memory_that_runs_out_once_is_recorded(small, light, monkeypatch):
    asked = []
    run = search._run

    def short(*arguments):
        asked.append(arguments[-1])
        if arguments[-1] > 2:
            raise torch.OutOfMemoryError
        return run(*arguments)

    monkeypatch.setattr(search, "_run", short)
    done = loaded(f"mganprior[bank={small},codes=4,layer=8,steps=2]").restore(target(small))
    assert asked == [4, 2]
    assert done.values[0]["smaller_chunk"] == 1


def test_what_the_bank_cannot_give_is_said(small):
    with pytest.raises(MethodError, match=r"no feature to compose at: got layer=64, expected one of 4, 8, 16, 32"):
        loaded(f"mganprior[bank={small},layer=64]")
    with pytest.raises(UsageError):
        create("mganprior[bank=mobilestyle]").method.assets()
    with pytest.raises(UsageError):
        create("mganprior[preset=slow]")
    assert create("mganprior").method.training_metrics == ("lite0",)
    assert create("mganprior").identity != create("mganprior[preset=paper]").identity
