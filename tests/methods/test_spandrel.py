"""spandrel: other architectures, in a cascade, against their own forward pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench.base.errors import AssetError, UsageError
from bench.registry.methods import create
from tests.methods.common import batch, loaded, restored


def _compact(path, upscale: int, channels: int = 3):
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    network = Compact(num_in_ch=channels, num_out_ch=channels, num_feat=8, num_conv=2, upscale=upscale)
    torch.save({"params": network.state_dict()}, path)
    return network.eval()


@pytest.mark.parametrize(("scale", "factor", "passes"), [(4, 16, 2), (2, 8, 3)])
def test_cascade_of_another_architecture(tmp_path, scale, factor, passes):
    path = tmp_path / "general.pth"
    network, inputs = _compact(path, scale), batch(factor)
    method = loaded(f"spandrel:{path}")
    expected = inputs.lr
    for _ in range(passes):
        expected = network(expected).detach().clamp(0, 1)
    np.testing.assert_allclose(method.restore(inputs).sr.numpy(), expected.numpy(), atol=1e-5)
    assert method.title == "general"
    assert sum(parameter.numel() for parameter in method.network.parameters()) > 1000


def test_the_rest_of_a_factor_is_bicubic(tmp_path):
    _compact(tmp_path / "x4.pth", 4)
    assert loaded(f"spandrel:{tmp_path / 'x4.pth'}").restore(batch(32)).sr.shape == (1, 3, 256, 384)


@pytest.mark.filterwarnings("ignore:torch.meshgrid")  # spandrel's own
def test_a_window_transformer_takes_any_size(tmp_path):
    """SwinIR needs sides that are multiples of its window; spandrel pads, and the padding must not show."""
    from spandrel.architectures.SwinIR import SwinIR

    torch.manual_seed(0)
    network = SwinIR(
        upscale=2,
        window_size=8,
        img_size=16,
        depths=[2],
        embed_dim=12,
        num_heads=[2],
        mlp_ratio=2,
        upsampler="pixelshuffle",
    )
    torch.save(network.state_dict(), tmp_path / "swinir.pth")
    assert loaded(f"spandrel:{tmp_path / 'swinir.pth'}").restore(batch(4, 9, 13)).sr.shape == (1, 3, 36, 52)


def test_a_network_of_scale_1_is_fed_the_enlarged_lr(tmp_path):
    network, inputs = _compact(tmp_path / "x1.pth", 1), batch(16)
    expected = network(restored("bicubic", inputs)).detach().clamp(0, 1)
    np.testing.assert_allclose(
        restored(f"spandrel:{tmp_path / 'x1.pth'}", inputs).numpy(), expected.numpy(), atol=1e-5
    )


def test_a_grey_network_is_refused(tmp_path):
    _compact(tmp_path / "grey.pth", 2, channels=1)
    with pytest.raises(AssetError, match="holds no network from RGB to RGB images"):
        loaded(f"spandrel:{tmp_path / 'grey.pth'}")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {f"_orig_mod.module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"model.{key}": value for key, value in state.items()}, "epoch": 3},
        lambda state: {"net_g": state, "net_d": {"conv.weight": torch.zeros(1)}},
        lambda state: {"network": {"params_ema": {f"net_g.{key}": value for key, value in state.items()}}},
    ],
)
def test_what_frameworks_wrap_around_weights_is_taken_off(tmp_path, wrap):
    network, inputs = _compact(tmp_path / "plain.pth", 2), batch(2)
    torch.save(wrap(network.state_dict()), tmp_path / "wrapped.pth")
    expected = restored(f"spandrel:{tmp_path / 'plain.pth'}", inputs)
    torch.testing.assert_close(restored(f"spandrel:{tmp_path / 'wrapped.pth'}", inputs), expected)


def test_safetensors_are_known_by_their_content(tmp_path):
    network, inputs = _compact(tmp_path / "plain.pth", 2), batch(2)
    save_file(network.state_dict(), tmp_path / "named.pth")
    expected = restored(f"spandrel:{tmp_path / 'plain.pth'}", inputs)
    torch.testing.assert_close(restored(f"spandrel:{tmp_path / 'named.pth'}", inputs), expected)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html>\n<html><title>Release</title>", "an HTML page.*get the file itself"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n",
            "a git-lfs pointer.*git lfs pull",
        ),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"%PDF-1.7", "a PDF file"),
    ],
)
def test_what_is_no_weight_file_is_named(tmp_path, content, words):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(AssetError, match=f"is no weight file: got {words}"):
        loaded(f"spandrel:{tmp_path / 'model.safetensors'}")


def test_what_stands_in_the_way_of_weights_is_named(tmp_path):
    torch.save({"params": {"a": torch.zeros(1)}, "best": np.float64(3)}, tmp_path / "a.pth")
    with pytest.raises(AssetError, match=r"got numpy\S*scalar, which is more than weights"):
        loaded(f"spandrel:{tmp_path / 'a.pth'}")


def test_unknown_keys_are_shown(tmp_path):
    torch.save({"who.knows": torch.zeros(1)}, tmp_path / "odd.pth")
    with pytest.raises(AssetError, match=r"no architecture that spandrel recognises: got keys such as who\.knows"):
        loaded(f"spandrel:{tmp_path / 'odd.pth'}")


def test_the_weights_must_be_named():
    with pytest.raises(UsageError, match="spandrel needs a weight file: expected spandrel:PATH"):
        create("spandrel")


def test_a_missing_file_is_named():
    with pytest.raises(UsageError, match=r"no weight file at nowhere\.pth"):
        create("spandrel:nowhere.pth")
