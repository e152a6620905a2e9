"""LPIPS against the `lpips` package, both on one fixed random trunk: the real ones need a network."""

import warnings

import lpips
import pytest
import torch
import torchvision

from bench.assets.declare import Asset, ByHand
from bench.base.errors import ImageError, Unavailable
from bench.images.png import to_tensor
from bench.metrics import lpips as ours
from bench.registry import METRICS
from tests.conftest import photo

BUILDERS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
NAMES = {"lpips": "alex", "lpips_vgg": "vgg", "lpips_squeeze": "squeeze"}


def random_trunk(trunk: str) -> torch.nn.Module:
    """Torchvision's network with random convolutions; its classifier is never made."""
    with torch.device("meta"):
        network = getattr(torchvision.models, BUILDERS[trunk])(weights=None)
    network.features.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(3)
    for weight in network.features.parameters():
        spread = (2 / weight[0].numel()) ** 0.5 if weight.ndim > 1 else 0.1
        weight.data.normal_(0, spread, generator=generator)
    return network


def package_value(trunk: str, network: torch.nn.Module, monkeypatch, sr, hr) -> float:
    monkeypatch.setattr(lpips.pretrained_networks.tv, BUILDERS[trunk], lambda pretrained: network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judge = lpips.LPIPS(net=trunk, verbose=False)
    with torch.no_grad():
        return judge(to_tensor(sr) * 2 - 1, to_tensor(hr) * 2 - 1).item()


@pytest.mark.parametrize("name", NAMES)
def test_lpips_equals_the_package(name: str, monkeypatch) -> None:
    trunk = random_trunk(NAMES[name])
    metric, hr, sr = METRICS.create(name), photo(0, 96, 80), photo(1, 96, 80)
    metric.build(trunk.state_dict(), torch.device("cpu"))
    value = metric.compare(sr, metric.features(hr), 16)
    assert value == pytest.approx(package_value(NAMES[name], trunk, monkeypatch, sr, hr), abs=1e-6)
    assert value > 0.01
    assert metric.compare(hr, metric.features(hr), 16) == 0


def test_trunk_is_read_from_the_cache(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    asset = Asset("torchvision/trunk.pth", "none", None, None, ())
    monkeypatch.setitem(ours.TRUNKS, "squeeze", asset)
    trunk = random_trunk("squeeze")
    asset.path.parent.mkdir(parents=True)
    torch.save(dict(trunk.state_dict(prefix="")) | {"classifier.1.weight": torch.zeros(1)}, asset.path)
    loaded, built = METRICS.create("lpips_squeeze"), METRICS.create("lpips_squeeze")
    loaded.load(torch.device("cpu"))
    built.build(trunk.state_dict(), torch.device("cpu"))
    values = [metric.compare(photo(1), metric.features(photo(0)), 16) for metric in (loaded, built)]
    assert values[0] == values[1] > 0


def test_without_its_trunk_it_is_unavailable_with_a_remedy(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    asset = Asset("torchvision/trunk.pth", "none", None, None, (ByHand("ask torchvision"),))
    monkeypatch.setitem(ours.TRUNKS, "alex", asset)
    with pytest.raises(Unavailable, match="metric lpips has no weights") as caught:
        METRICS.create("lpips").load(torch.device("cpu"))
    assert str(asset.path) in caught.value.remedy


def test_a_tiny_image_is_refused() -> None:
    metric = METRICS.create("lpips")
    metric.build(random_trunk("alex").state_dict(), torch.device("cpu"))
    with pytest.raises(ImageError, match="at least 64"):
        metric.features(photo(0)[:40])


def test_loading_draws_nothing_from_the_global_generator() -> None:
    trunk = random_trunk("alex").state_dict()
    before = torch.get_rng_state()
    METRICS.create("lpips").build(trunk, torch.device("cpu"))
    assert torch.equal(before, torch.get_rng_state())
