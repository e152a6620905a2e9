"""SRNTT against the authors' code read layer by layer, and its swap against a search by hand in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch.nn import functional as F

from bench.base.errors import AssetError, MethodError, UsageError
from bench.base.types import Batch, Category
from bench.registry.methods import build
from methods.srntt import restoring, swap
from methods.srntt.weightfile import VGG_LAYERS
from tests.methods.common import loaded

CATEGORY = Category("c", None)


class Peer:
    """The forward pass of SRNTT/model.py, NHWC, which takes its arrays from a file's list as it goes."""

    def __init__(self, arrays):
        self.arrays = list(arrays)

    def _next(self):
        return torch.from_numpy(self.arrays.pop(0))

    def conv(self, x, bias=True):
        kernel = self._next()
        pad = kernel.shape[0] // 2
        out = F.conv2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), padding=pad).permute(0, 2, 3, 1)
        return out + self._next() if bias else out

    def norm(self, x):
        beta, gamma, mean, variance = (self._next() for _ in range(4))
        return gamma * (x - mean) / (variance + 1e-5).sqrt() + beta

    def blocks(self, x, count):
        for _ in range(count):
            y = F.relu(self.norm(self.conv(x, bias=False)))
            x = x + self.norm(self.conv(y, bias=False))
        return self.norm(self.conv(x, bias=False))

    @staticmethod
    def depth_to_space(x):
        n, h, w, c = x.shape
        return x.view(n, h, w, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c // 4)

    def content(self, lr):
        first = F.relu(self.conv(lr))
        features = self.blocks(first, 16) + first
        x = F.relu(self.depth_to_space(self.conv(features)))
        x = F.relu(self.depth_to_space(self.conv(x)))
        return features, torch.tanh(self.conv(x))

    def transfer(self, x, maps):
        for index, (textures, count) in enumerate(zip(maps, (16, 8, 4), strict=True)):
            y = F.relu(self.conv(torch.cat([x, textures], -1)))
            x = self.blocks(y, count) + x
            x = F.relu(self.depth_to_space(self.conv(x))) if index < 2 else self.conv(x)
        return torch.tanh(self.conv(x))


def _shapes(levels, head, tail):
    """The shapes of a file's arrays in order."""
    norm = [(64,)] * 4
    for channels, blocks in levels:
        yield from [(3, 3, channels, 64), (64,)]
        for _ in range(2 * blocks + 1):
            yield from [(3, 3, 64, 64), *norm]
        if head:
            yield from [(3, 3, 64, 256), (256,)]
            head -= 1
    yield from tail


def _write(path: Path, shapes, seed):
    rng = np.random.default_rng(seed)
    arrays = []
    for shape in shapes:
        scale = 0.3 / np.sqrt(np.prod(shape[:-1])) if len(shape) == 4 else 0.2
        array = rng.normal(0, scale, shape).astype(np.float32)
        arrays.append(array if len(shape) == 4 else array + 1 if rng.random() < 0.5 else np.abs(array) + 0.5)
    listed = np.empty(len(arrays), object)
    listed[:] = arrays
    np.savez(path, params=listed)
    return arrays


def write_weights(folder):
    """Write random weights in the authors' layouts, and return the arrays of both networks."""
    up = [(3, 3, 64, 256), (256,)]
    content = _write(folder / "upscale.npz", _shapes([(3, 16)], 0, [*up, *up, (1, 1, 64, 3), (3,)]), 0)
    tail = [(3, 3, 64, 32), (32,), (1, 1, 32, 3), (3,)]
    transfer = _write(folder / "srntt.npz", _shapes([(320, 16), (192, 8), (128, 4)], 2, tail), 1)
    rng, layers = np.random.default_rng(2), np.empty((1, 11), object)
    widths = {
        "conv1_1": (3, 64),
        "conv1_2": (64, 64),
        "conv2_1": (64, 128),
        "conv2_2": (128, 128),
        "conv3_1": (128, 256),
    }
    for place in range(11):
        layers[0, place] = {"type": "relu"}
    for name, place in VGG_LAYERS.items():
        weights = np.empty((1, 2), object)
        weights[0, 0] = rng.normal(0, 0.05, (3, 3, *widths[name])).astype(np.float32)
        weights[0, 1] = rng.normal(0, 0.05, (1, widths[name][1])).astype(np.float32)
        layers[0, place] = {"weights": weights, "type": "conv"}
    savemat(folder / "imagenet-vgg-verydeep-19.mat", {"layers": layers})
    return content, transfer


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of weights, and the arrays of both networks."""
    folder = tmp_path_factory.mktemp("srntt")
    return folder, *write_weights(folder)


def test_both_networks_are_the_authors_layer_by_layer(files):
    folder, content, transfer = files
    method = loaded(f"srntt:{folder}")
    lr = torch.rand(1, 3, 6, 8) * 2 - 1
    maps = [torch.randn(1, 6 * ratio, 8 * ratio, width) for ratio, width in ((1, 256), (2, 128), (4, 64))]
    peer, other = Peer(content), Peer(transfer)
    features, enlarged = peer.content(lr.permute(0, 2, 3, 1))
    expected = other.transfer(features, maps)
    assert peer.arrays == other.arrays == []
    with torch.no_grad():
        got = method.network.transfer(method.network.content(lr), [one.permute(0, 3, 1, 2) for one in maps])
        plain = method.network.content.enlarge(lr)
    for value, truth in ((plain, enlarged), (got, expected)):
        difference = (value.permute(0, 2, 3, 1) - truth).abs().max()
        assert truth.std() > 1e-3
        assert difference < 1e-4 * truth.std()
    parameters = [
        sum(p.numel() for p in part.parameters()) for part in (method.network.content, method.network.transfer)
    ]
    np.testing.assert_allclose(parameters, [1.52e6, 2.87e6], rtol=0.01)


def _by_hand(content, styles, conditions, others):
    """SRNTT/swap.py's conditional_swap_multi_layer, patch by patch, in float64; maps are (h, w, C)."""

    def patches(features, side, step):
        h, w, _ = features.shape
        places = [(i, j) for i in range(0, h - side + 1, step) for j in range(0, w - side + 1, step)]
        return [features[i : i + side, j : j + side] for i, j in places]

    every = [patch / np.linalg.norm(patch) for condition in conditions for patch in patches(condition, 3, 1)]
    h, w, _ = content.shape
    chosen = np.array([np.argmax([(own * patch).sum() for patch in every]) for own in patches(content, 3, 1)])
    maps = []
    for level, ratio in zip([styles, *others], (1, 2, 4), strict=True):
        source = [patch for style in level for patch in patches(style, 3 * ratio, ratio)]
        total, count = np.zeros((h * ratio, w * ratio, level[0].shape[2])), np.zeros((h * ratio, w * ratio, 1))
        for k, number in enumerate(chosen):
            i, j = k // (w - 2) * ratio, k % (w - 2) * ratio
            total[i : i + 3 * ratio, j : j + 3 * ratio] += source[number]
            count[i : i + 3 * ratio, j : j + 3 * ratio] += 1
        maps.append(total / count)
    return chosen, maps


@pytest.mark.parametrize("most", [4096, 10])
@pytest.mark.parametrize("sizes", [[(5, 7)], [(4, 3), (9, 6), (3, 3)]], ids=["one", "several"])
def test_the_swap_is_the_search_by_hand(monkeypatch, sizes, most):
    """References smaller and larger than the image; in one piece and in many."""
    monkeypatch.setattr(swap, "MOST", most)
    rng = np.random.default_rng(3)
    content = rng.normal(size=(6, 5, 4))
    conditions = [rng.normal(size=(*size, 4)) for size in sizes]
    levels = [[rng.normal(size=(h * r, w * r, c)) for h, w in sizes] for r, c in ((1, 4), (2, 3), (4, 2))]
    chosen, maps = _by_hand(content, levels[0], conditions, levels[1:])

    def tensor(array):
        return torch.from_numpy(array).permute(2, 0, 1)[None]

    place = swap.match(tensor(content), [tensor(one) for one in conditions])
    np.testing.assert_array_equal(place.flatten().numpy(), chosen)
    assert len({*chosen}) > 3
    for level, ratio, expected in zip(levels, (1, 2, 4), maps, strict=True):
        got = swap.swap(place, [tensor(one) for one in level], ratio)
        np.testing.assert_allclose(got[0].permute(1, 2, 0).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("sides", [[(48, 64)], [(200, 140), (64, 64)]], ids=["smaller", "several, larger"])
def test_sixteen_times_sees_the_references(files, sides):
    folder, *_ = files
    method, lr = loaded(f"srntt:{folder}"), torch.rand(1, 3, 6, 8)

    def restored(seed):
        random = torch.Generator().manual_seed(seed)
        references = tuple(torch.rand(1, 3, *side, generator=random) for side in sides)
        return method.restore(Batch(lr, 16, ("a",), (0,), CATEGORY, {}, (references,))).sr

    sr = restored(0)
    assert sr.shape == (1, 3, 96, 128)
    assert sr.equal(restored(0))
    assert not sr.equal(restored(1))


def test_a_reference_that_is_too_small_is_refused(files):
    folder, *_ = files
    method = loaded(f"srntt:{folder}")
    references = ((torch.rand(1, 3, 40, 100),),)
    with pytest.raises(MethodError, match=r"a reference is too small for SRNTT: got 100x40, expected at least 48"):
        method.restore(Batch(torch.rand(1, 3, 6, 8), 16, ("a",), (0,), CATEGORY, {}, references))


def test_a_file_of_another_length_or_that_calls_anything_is_refused(files, tmp_path):
    folder, content, _ = files
    for name in ("upscale.npz", "srntt.npz", "imagenet-vgg-verydeep-19.mat"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    listed = np.empty(len(content) - 1, object)
    listed[:] = content[:-1]
    np.savez(tmp_path / "upscale.npz", params=listed)
    with pytest.raises(
        AssetError, match=rf"is none of this network: got {len(content) - 1} arrays, expected {len(content)}"
    ):
        loaded(f"srntt:{tmp_path}")
    listed[0] = Path("x")
    np.savez(tmp_path / "upscale.npz", params=listed)
    with pytest.raises(AssetError, match=r"is none of SRNTT's: got UnpicklingError: it asks for pathlib"):
        loaded(f"srntt:{tmp_path}")
    with pytest.raises(UsageError, match=r"srntt needs its weights: expected srntt:FOLDER"):
        build("srntt").assets()


def test_only_powers_of_four(files):
    method = build(f"srntt:{files[0]}")
    assert method.supports((8, 8), (128, 128), 16, CATEGORY) is None
    assert "which never makes 8" in method.supports((8, 8), (64, 64), 8, CATEGORY)
    assert restoring.SMALLEST == 12
