"""ESRGAN: the embedded weights against ncnn, the network against spandrel's, and every published key layout."""

from __future__ import annotations

import re
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench.assets.fetch import fetch
from bench.base.errors import AssetError, UsageError
from bench.registry.methods import create
from methods.esrgan.network import RRDBNet
from methods.esrgan.weights import BIN, PARAM, PUBLISHED
from tests.methods.common import CPU, batch, loaded, photo_batch, restored


def _psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one.astype(float) - other) ** 2)))


def _small() -> RRDBNet:
    torch.manual_seed(0)
    return RRDBNet(width=16, growth=32, blocks=2).requires_grad_(False).eval()


@pytest.fixture(scope="module")
def embedded():
    return loaded("esrgan")


def test_embedded_weights_equal_ncnn(embedded):
    """The issue demands 45 dB; both compute in float32 here, and 132 dB were measured."""
    ncnn = pytest.importorskip("ncnn")
    lr = photo_batch(4, 16, 20).lr
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.load_param(str(fetch(PARAM)))
    net.load_model(str(fetch(BIN)))
    extractor = net.create_extractor()
    image = np.ascontiguousarray(lr[0].numpy())
    extractor.input("data", ncnn.Mat(image))  # which does not keep the array alive
    expected = np.array(extractor.extract("output")[1])
    ours = embedded.network(lr)[0].numpy()
    assert expected.shape == (3, 64, 80)
    assert _psnr(ours, expected) > 90


def test_network_equals_spandrels():
    """Also across the tiles of the tail, which are 128 pixels long."""
    from spandrel import MAIN_REGISTRY

    network = _small()
    image = photo_batch(4, 20, 150).lr
    theirs = MAIN_REGISTRY.load(network.state_dict()).model.eval()
    np.testing.assert_allclose(network(image).numpy(), theirs(image).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(("factor", "size"), [(4, (20, 28)), (16, (80, 112)), (32, (160, 224))])
def test_embedded_cascade_keeps_sides_and_colours(embedded, factor, size):
    """An LR that is not square; what comes out, made LR again by area, is the input to within 8 levels on average."""
    given = photo_batch(factor, 5, 7)
    sr = embedded.restore(given).sr
    assert sr.shape == (1, 3, *size)
    back = torch.nn.functional.avg_pool2d(sr, factor)
    assert float((back - given.lr).abs().mean()) < 8 / 255


def test_title_says_whose_weights_these_are():
    assert create("esrgan").method.title == "Real-ESRGAN x4plus, cascaded"
    assert "cascade" in create("esrgan").method.notes
    assert create("esrgan").method.supports((64, 64), (128, 128), 2, batch(2).category).startswith("its network")


def _old(name: str) -> str:
    trunk = re.sub(r"body\.(\d+)\.rdb(\d)\.conv(\d)\.", r"model.1.sub.\1.RDB\2.conv\3.0.", name)
    heads = {"conv_first": "model.0", "conv_body": "model.1.sub.2", "conv_up1": "model.3", "conv_up2": "model.6"}
    heads |= {"conv_hr": "model.8", "conv_last": "model.10"}
    head, _, kind = trunk.rpartition(".")
    return f"{heads.get(head, head)}.{kind}"


def _official(name: str) -> str:
    heads = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}
    head, _, kind = re.sub(r"body\.(\d+)\.rdb(\d)\.", r"RRDB_trunk.\1.RDB\2.", name).rpartition(".")
    return f"{heads.get(head, head)}.{kind}"


LAYOUTS = {
    "first architecture": lambda state: OrderedDict((_old(name), value) for name, value in state.items()),
    "xinntao/ESRGAN": lambda state: OrderedDict((_official(name), value) for name, value in state.items()),
    "BasicSR": lambda state: {"params": {k: v * 0 for k, v in state.items()}, "params_ema": state},
    "mmagic": lambda state: {
        "meta": {"iter": 1},
        "state_dict": {f"generator.{name}": value for name, value in state.items()}
        | {"discriminator.conv.weight": torch.zeros(1), "step_counter": torch.zeros(1)},
    },
    "data parallel": lambda state: {f"module.{name}": value for name, value in state.items()},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_published_key_layout(layout, tmp_path):
    network, path = _small(), tmp_path / "theirs.pth"
    torch.save(LAYOUTS[layout](network.state_dict()), path)
    given = batch(4)
    method = loaded(f"esrgan[weights={path}]")
    np.testing.assert_allclose(method.restore(given).sr.numpy(), network(given.lr).clamp(0, 1).numpy(), atol=1e-5)
    assert method.title == "theirs, cascaded"


def test_safetensors(tmp_path):
    network, path = _small(), tmp_path / "theirs.safetensors"
    save_file(network.state_dict(), path)
    given = batch(4)
    ours = restored(f"esrgan[weights={path}]", given)
    np.testing.assert_allclose(ours.numpy(), network(given.lr).clamp(0, 1).numpy(), atol=1e-5)


def test_a_2x_network_with_pixel_unshuffle_runs_twice_as_often(tmp_path):
    from spandrel.architectures.ESRGAN import ESRGAN

    torch.manual_seed(0)
    theirs = ESRGAN(in_nc=12, num_filters=16, num_blocks=1, scale=4, shuffle_factor=2).eval()
    torch.save(theirs.state_dict(), tmp_path / "x2.pth")
    given = batch(4, 8, 12)
    expected = theirs(theirs(given.lr).clamp(0, 1)).clamp(0, 1).detach()
    ours = restored(f"esrgan[weights={tmp_path / 'x2.pth'}]", given)
    np.testing.assert_allclose(ours.numpy(), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_are_named_by_their_publisher(name):
    method = type(create("esrgan").method)
    (asset,) = method(method.Options(weights=name)).assets()
    assert asset is PUBLISHED[name]
    assert str(asset.sources[0]).startswith(("https://", "download RRDB_"))
    assert asset.name.endswith(".pth")


def test_unknown_weights_suggest_close_names():
    with pytest.raises(UsageError, match="did you mean RRDB_ESRGAN_x4"):
        create("esrgan[weights=RRDB_ESRGAN]")


def test_a_missing_file_is_named():
    with pytest.raises(UsageError, match=r"no weight file at nowhere/mine\.pth"):
        create("esrgan[weights=nowhere/mine.pth]")


class _Bomb:
    def __reduce__(self):
        return exec, ("import pathlib; pathlib.Path('exploded').touch()",)


def test_a_pickle_that_runs_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"params": _Bomb()}, "bad.pth")
    with pytest.raises(AssetError, match=r"cannot be read: got \S*exec, which is more than weights"):
        loaded("esrgan[weights=bad.pth]")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 half a zip"])
def test_a_damaged_file_is_refused(content, tmp_path):
    path = tmp_path / "bad.pth"
    path.write_bytes(content)
    with pytest.raises(AssetError, match=r"bad\.pth \([\d,]+ bytes\) (is no weight file|cannot be read)"):
        loaded(f"esrgan[weights={path}]")


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "short.pth"
    torch.save(_small().state_dict(), path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(AssetError, match=r"short\.pth \(5,000 bytes\) cannot be read"):
        loaded(f"esrgan[weights={path}]")


def test_weights_of_other_shapes_are_refused(tmp_path):
    state = _small().state_dict()
    state["body.1.rdb2.conv3.weight"] = torch.zeros(3, 3)
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(AssetError, match=r"odd\.pth holds weights that fit no network"):
        loaded(f"esrgan[weights={tmp_path / 'odd.pth'}]")


def test_another_architecture_is_sent_to_spandrel(tmp_path):
    from spandrel.architectures.Compact import Compact

    path = tmp_path / "compact.pth"
    torch.save(Compact(num_feat=8, num_conv=1, upscale=2).state_dict(), path)
    method = create(f"esrgan[weights={path}]").method
    with pytest.raises(AssetError, match=r"is not ESRGAN: got Compact; use spandrel\[weights="):
        method.load(CPU)
