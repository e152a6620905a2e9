"""LPIPS against the `lpips` package: on random trunks, and on the real AlexNet that every machine can have."""

import warnings

import lpips
import pytest
import torch
import torchvision

from bench.assets.declare import Asset, ByHand
from bench.base.errors import ImageError, Unavailable
from bench.images.png import to_tensor
from bench.networks import imagenet
from bench.registry import METRICS
from tests.conftest import photo

BUILDERS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
NAMES = {"lpips": "alex", "lpips_vgg": "vgg", "lpips_squeeze": "squeeze"}
RECORDED = [0.208802, 0.195289]


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
    monkeypatch.setitem(imagenet.FILES, "squeezenet", (asset,))
    trunk = random_trunk("squeeze")
    asset.path.parent.mkdir(parents=True)
    torch.save(dict(trunk.state_dict(prefix="")) | {"classifier.1.weight": torch.zeros(1)}, asset.path)
    loaded, built = METRICS.create("lpips_squeeze"), METRICS.create("lpips_squeeze")
    loaded.load(torch.device("cpu"))
    built.build(trunk.state_dict(), torch.device("cpu"))
    values = [metric.compare(photo(1), metric.features(photo(0)), 16) for metric in (loaded, built)]
    assert values[0] == values[1] > 0


def real_trunk() -> torch.nn.Module:
    """AlexNet with the convolutions of the package."""
    with torch.device("meta"):
        network = torchvision.models.alexnet(weights=None)
    network.load_state_dict(dict(imagenet.load_convolutions("alexnet")), strict=False, assign=True)
    return network


def test_the_real_network_gives_the_packages_values(monkeypatch) -> None:
    metric = METRICS.create("lpips")
    metric.load(torch.device("cpu"))
    trunk = real_trunk()
    for seed in range(20):
        hr, sr = photo(seed, 96, 80), photo(seed + 1, 96, 80)
        wanted = package_value("alex", trunk, monkeypatch, sr, hr)
        assert metric.compare(sr, metric.features(hr), 16) == pytest.approx(wanted, abs=1e-6)


def test_the_real_network_gives_the_values_recorded() -> None:
    """Recorded with the values that give the official sample pictures 0.722 and 0.138."""
    metric = METRICS.create("lpips")
    metric.load(torch.device("cpu"))
    values = [metric.compare(photo(k), metric.features(photo(0)), 16) for k in (1, 2)]
    assert values == pytest.approx(RECORDED, abs=1e-5)


def test_torchvisions_own_file_is_read_where_it_is(monkeypatch, tmp_path) -> None:
    packaged, state = imagenet.FILES["alexnet"][1], imagenet.load_convolutions("alexnet")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    file = Asset("torchvision/alexnet.pth", "none", None, None, ())
    monkeypatch.setitem(imagenet.FILES, "alexnet", (file, packaged))
    assert imagenet.convolutions_asset("alexnet") is packaged
    file.path.parent.mkdir(parents=True)
    torch.save({**state, "classifier.1.weight": torch.zeros(1)}, file.path)
    loaded = imagenet.load_convolutions("alexnet")
    assert "classifier.1.weight" in loaded
    assert all(torch.equal(loaded[name], value) for name, value in state.items())


def test_without_its_trunk_it_is_unavailable_with_a_remedy(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    asset = Asset("torchvision/trunk.pth", "none", None, None, (ByHand("ask torchvision"),))
    monkeypatch.setitem(imagenet.FILES, "alexnet", (asset,))
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
