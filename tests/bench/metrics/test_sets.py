"""FID and KID: the Fréchet distance against `pytorch-fid` itself, the kernel distance against its definition."""

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from pytorch_fid import fid_score, inception

from bench.assets.declare import Asset, ByHand
from bench.base.errors import Unavailable
from bench.metrics import fid
from bench.metrics.fid import Fid, frechet
from bench.metrics.kid import mmd
from bench.registry import METRICS
from tests.conftest import photo

SQRTM = pytest.mark.filterwarnings("ignore:.*disp:DeprecationWarning")
"""pytorch-fid calls scipy's sqrtm in a way that is no longer liked."""


@pytest.fixture
def random_inception(monkeypatch) -> dict[str, torch.Tensor]:
    """The weights of pytorch-fid's Inception, random but fixed, offered to the package in place of its download."""
    with monkeypatch.context() as patched, torch.random.fork_rng():
        torch.manual_seed(5)
        patched.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        patched.setattr(torchvision.models.Inception3, "load_state_dict", lambda *_: None)
        state = inception.fid_inception_v3().state_dict()
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: state)
    return state


@pytest.fixture
def folders(tmp_path):
    """Two folders of 72 images each, of two different looks."""
    paths = [tmp_path / name for name in ("sr", "hr")]
    for k, path in enumerate(paths):
        path.mkdir()
        for seed in range(72):
            image = photo(seed + 1000 * k, 32, 32)
            Image.fromarray(image if k else image // 2 + 40).save(path / f"{seed:03}.png")
    return paths


def gathered(metric, rows):
    """Return a set of rows that were added one by one."""
    found = metric.new_set()
    for row in rows:
        found.add(row)
    return found


def distance(a, b):
    return frechet(*(gathered(Fid(), rows) for rows in (a, b)))


@SQRTM
def test_fid_equals_pytorch_fid_on_the_same_folders(random_inception, folders) -> None:
    expected = fid_score.calculate_fid_given_paths(list(map(str, folders)), 4, "cpu", 64, num_workers=0)
    metric = Fid()
    metric.build(random_inception, torch.device("cpu"), dimensions=64)
    sets = [
        gathered(metric, [metric.features(np.asarray(Image.open(path))) for path in sorted(folder.glob("*.png"))])
        for folder in folders
    ]
    found = metric.distance(*sets)
    assert found.value == pytest.approx(expected, rel=1e-3)
    assert found.n == 72
    assert "72 images" in found.note


@SQRTM
def test_frechet_equals_pytorch_fid_when_images_outnumber_dimensions() -> None:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(24, 24))
    a, b = rng.normal(size=(300, 24)) @ mix, rng.normal(1, 2, size=(200, 24))
    moments = [part for x in (a, b) for part in (x.mean(0), np.cov(x, rowvar=False))]
    assert distance(a, b) == pytest.approx(fid_score.calculate_frechet_distance(*moments), rel=1e-6)


def test_frechet_is_exact_with_fewer_images_than_dimensions() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(5, 400))
    assert distance(a, a) == pytest.approx(0, abs=1e-9)
    assert distance(a + 0.5, a) == pytest.approx(400 * 0.25, rel=1e-9)
    spread = a.var(0, ddof=1).sum()  # scaling by 3 about the mean moves each deviation s to 3 s: (3 s - s)² in all
    assert distance(3 * (a - a.mean(0)), a - a.mean(0)) == pytest.approx(4 * spread, rel=1e-9)


def test_kid_equals_the_unbiased_estimate_by_its_definition() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 6)), rng.normal(0.5, 1, size=(9, 6))

    def kernel(x, y) -> float:
        return (float(x @ y) / 6 + 1) ** 3

    within = [np.mean([kernel(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]) for s in (a, b)]
    between = np.mean([kernel(x, y) for x in a for y in b])
    assert mmd(a, b) == pytest.approx(sum(within) - 2 * between, rel=1e-10)


def test_kid_counts_blocks_of_rows_once(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(11, 4)), rng.normal(size=(10, 4))
    whole = mmd(a, b)
    monkeypatch.setattr("bench.metrics.kid._BLOCK", 3)
    assert mmd(a, b) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("name", ["fid", "kid"])
def test_sets_gathered_apart_merge_to_the_whole(name: str) -> None:
    metric, rng = METRICS.create(name), np.random.default_rng(0)
    a, b = rng.normal(size=(90, 8)), rng.normal(0.5, 2, size=(70, 8))
    parts = [gathered(metric, rows) for rows in (a[:50], a[50:51], a[51:])]
    for part in parts[1:]:
        parts[0].merge(part)
    other = gathered(metric, b)
    assert parts[0].n == 90
    assert metric.distance(parts[0], other).value == pytest.approx(
        metric.distance(gathered(metric, a), other).value, rel=1e-10
    )


def test_a_set_of_fid_stays_small() -> None:
    rng, moments = np.random.default_rng(0), Fid().new_set()
    for row in rng.normal(size=(500, 8)):
        moments.add(row)
        assert len(moments._rows) < 16
    assert len(moments.factor()) == 8


@pytest.mark.parametrize("name", ["fid", "kid"])
def test_few_images_carry_a_warning_and_one_is_refused(name: str) -> None:
    metric, rng = METRICS.create(name), np.random.default_rng(0)
    few, enough = rng.normal(size=(3, 8)).astype(np.float32), rng.normal(size=(2048, 8)).astype(np.float32)
    few, enough = gathered(metric, few), gathered(metric, enough)
    assert metric.distance(few, few).note
    assert metric.distance(enough, enough).note is None
    with pytest.raises(Unavailable, match="got 1 SR and 3 HR images"):
        metric.distance(gathered(metric, rng.normal(size=(1, 8))), few)


@pytest.mark.parametrize("name", ["fid", "kid"])
def test_without_the_network_they_are_unavailable(name: str, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    monkeypatch.setattr(fid, "INCEPTION", Asset("x/inception.pth", "none", None, None, (ByHand("by hand"),)))
    with pytest.raises(Unavailable, match=f"metric {name} has no weights"):
        METRICS.create(name).load(torch.device("cpu"))


def test_the_package_keeps_its_own_download(random_inception) -> None:
    before = inception.load_state_dict_from_url
    Fid().build(random_inception, torch.device("cpu"), dimensions=64)
    assert inception.load_state_dict_from_url is before
