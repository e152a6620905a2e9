"""The embedded GLEAN on the real bank: its wiring, its weight files, its adapter and what it ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.base.errors import AssetError, MethodError, UsageError
from bench.base.seeds import Domain
from bench.base.types import Batch, Category
from bench.images.degradation import make_lr, resize, resize_matrix
from bench.images.png import to_pixels, to_tensor
from bench.registry.methods import create
from methods.glean import weightfile
from methods.glean.embedded import EmbeddedGlean, input_size
from methods.glean.forms import SHIPPED
from methods.glean.weightfile import NetworkConfig
from methods.shared import banks
from methods.shared.banks.mobilestylegan import SYNTHESIS_BIN
from methods.shared.networks.consistency import add_detail, consistent
from tests.conftest import photo

TINY = NetworkConfig(trunk=8, growth=4, blocks=1, encoder=8, fusion=8, latent=16, slot_rank=2, decoder=32)
FACES = Category("faces", "faces")


@pytest.fixture(scope="module")
def bank():
    return banks.load("mobilestylegan")


@pytest.fixture(scope="module")
def face(bank):
    """One held-out face."""
    with torch.no_grad():
        made = bank.synthesise(bank.sample([0], Domain.HELD_OUT, 0.7)).image
    return to_pixels((made[0] + 1) / 2)


@pytest.fixture(scope="module")
def shipped():
    method = create("glean").method
    method.load(torch.device("cpu"))
    return method


def lr_batch(image: np.ndarray, factor: int) -> Batch:
    return Batch(to_tensor(make_lr(image, factor)), factor, ("a",), (0,), FACES)


def test_the_last_layer_gives_the_lr_back_and_never_moves_away_from_the_truth():
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(rng.normal(size=(2, 3, 64, 64))).float()
    down = resize_matrix(64, 16)
    lr = torch.from_numpy(np.einsum("oh,nchw,pw->ncop", down, truth.double().numpy(), down)).float()
    for noise in (0.1, 1.0, 5.0):
        guess = truth + noise * torch.from_numpy(rng.normal(size=truth.shape)).float()
        moved = consistent(guess, lr)
        again = np.einsum("oh,nchw,pw->ncop", down, moved.double().numpy(), down)
        np.testing.assert_allclose(again, lr.numpy(), atol=2e-5)
        assert (moved - truth).square().mean() < (guess - truth).square().mean()


def test_it_starts_as_the_bank_and_an_enlarged_lr(bank):
    network = EmbeddedGlean(bank, (16, 64), TINY)
    lr = torch.from_numpy(photo(1, 64, 64)).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        made = network(lr, 128)
        plain = bank.synthesise(bank.mean_latent[None], stop_at=64).features
    assert network.sizes == (128, 256, 1024)
    for resolution in (4, 8, 16, 32, 64):
        torch.testing.assert_close(made.features[resolution], plain[resolution], rtol=1e-4, atol=1e-4)
    up = resize_matrix(64, 128)
    enlarged = torch.from_numpy(np.einsum("oh,nchw,pw->ncop", up, lr.double().numpy(), up)).float()
    torch.testing.assert_close(made.image, consistent(enlarged, lr), rtol=1e-4, atol=1e-4)


def test_every_size_and_factor_has_its_shape_and_reaches_every_part(bank):
    network = EmbeddedGlean(bank, (16, 32, 64), TINY)
    for parameter in network.parameters():
        if not parameter.any():  # silent layers would hide what lies before them
            torch.nn.init.normal_(parameter, std=0.02)
    for side in (16, 32, 64):
        made = network(torch.rand(1, 3, side, side) - 0.5, 256)
        assert made.image.shape == (1, 3, 256, 256)
        assert made.share.shape == (1, 1, 256, 256)
        assert made.latents.shape == (1, 23, 512)
        (made.image.square().sum() + made.share.sum()).backward()
    without = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


def test_the_detail_is_what_lies_above_the_images_own_size():
    smooth = torch.from_numpy(resize(photo(2, 16, 16), 64, 64)).permute(2, 0, 1)[None] / 127.5 - 1
    low = torch.nn.functional.avg_pool2d(smooth, 4)
    nothing, everything = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    torch.testing.assert_close(add_detail(low, smooth, everything), smooth, rtol=0, atol=1e-5)
    assert (add_detail(low, smooth, nothing) - smooth).abs().max() > 0.01


@pytest.mark.parametrize(("resolution", "factor"), [(1024, 2), (1024, 48), (1024, 512), (96, 8)])
def test_a_factor_that_a_bank_cannot_serve_is_refused(resolution, factor):
    with pytest.raises(MethodError, match=f"factor {factor} over a bank of {resolution}"):
        input_size(resolution, factor)


@pytest.fixture
def weights(bank, tmp_path) -> Path:
    torch.manual_seed(1)
    network = EmbeddedGlean(bank, (64,), TINY)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    weightfile.write(tmp_path / "w.safetensors", network, dict(network.named_parameters()), {"steps": 7})
    return tmp_path / "w.safetensors"


def test_a_weight_file_builds_the_same_network_again(bank, weights):
    torch.manual_seed(1)
    network = EmbeddedGlean(bank, (64,), TINY)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    again = weightfile.read(weights, bank)
    assert again.shape == TINY
    assert weightfile.read_metadata(weights).history == {"steps": 7}
    assert weightfile.read_metadata(weights).digest == SYNTHESIS_BIN.sha256
    for (name, kept), (_, value) in zip(again.named_parameters(), network.named_parameters(), strict=True):
        torch.testing.assert_close(kept, value, rtol=2**-10, atol=1e-6, msg=name)  # half a step of fp16


def test_damaged_weight_files_are_refused(bank, weights, tmp_path):
    whole = weights.read_bytes()
    (tmp_path / "short.safetensors").write_bytes(whole[:2000])
    with pytest.raises(AssetError, match="is not a whole weight file"):
        weightfile.read(tmp_path / "short.safetensors", bank)
    tensors = load_file(weights)
    said = {"format": weightfile.KIND.format, "about": json.dumps(_said(weights))}
    for mark in ("glean-embedded-2", "esrgan-plus-1"):
        save_file(tensors, tmp_path / "marked.safetensors", {**said, "format": mark})
        with pytest.raises(AssetError, match=f"got a file of the format {mark}, expected glean-embedded-1"):
            weightfile.read(tmp_path / "marked.safetensors", bank)
    tensors["encoder.first.weight"] = torch.zeros(9, 3, 3, 3)
    save_file(tensors, tmp_path / "wide.safetensors", said)
    with pytest.raises(AssetError, match=r"encoder.first.weight: got \(9, 3, 3, 3\), expected \(8, 3, 3, 3\)"):
        weightfile.read(tmp_path / "wide.safetensors", bank)
    other = {**_said(weights), "digest": "0" * 64}
    save_file(load_file(weights), tmp_path / "other.safetensors", {**said, "about": json.dumps(other)})
    with pytest.raises(AssetError, match=r"sha256 c7da15fa, expected .* sha256 00000000"):
        weightfile.read(tmp_path / "other.safetensors", bank)
    other = {**_said(weights), "bank": "stylegan2", "resolution": 512, "digest": ""}
    save_file(load_file(weights), tmp_path / "other.safetensors", {**said, "about": json.dumps(other)})
    with pytest.raises(AssetError, match="got mobilestylegan at 1024, expected stylegan2 at 512"):
        weightfile.read(tmp_path / "other.safetensors", bank)


def _said(path: Path) -> dict:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["about"])


def test_what_it_cannot_restore_is_refused_with_the_reason():
    method = create("glean").method
    assert method.supports((64, 64), (1024, 1024), 16, FACES) is None
    assert "square" in method.supports((64, 48), (1024, 768), 16, FACES)
    assert "16, 32, 64" in method.supports((128, 128), (1024, 1024), 8, FACES)
    assert "1024 pixels, not 512" in method.supports((32, 32), (512, 512), 16, FACES)
    assert "for faces, this category shows cats" in method.supports(
        (64, 64), (1024, 1024), 16, Category("c", "cats")
    )
    with pytest.raises(UsageError, match="no weight file of glean"):
        create("glean[weights=/nowhere/w.safetensors]").method.assets()


def test_the_shipped_weights_are_small_and_say_how_they_were_trained(shipped):
    for path in SHIPPED.values():
        assert path.stat().st_size <= 15e6
        said = weightfile.read_metadata(path)
        assert said.factors == (16, 32, 64)
        assert said.history["steps"] > 0
    faithful = create("glean[weights=faithful]").method
    assert (shipped.title, faithful.title) == ("GLEAN", "GLEAN (faithful)")
    assert faithful.training_metrics == ("lite0",)
    assert set(shipped.training_metrics) == {"dists", "lite0", "lpips_vgg"}
    assert (shipped.kind, shipped.needs.memory_mb) == ("faces", 1300)
    assert "6.4 million" in shipped.notes
    assert "for 16x, 32x, 64x over mobilestylegan; trained on the bank's samples alone" in shipped.notes


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ({}, "for 64x over mobilestylegan. Above 64 pixels"),
        ({"photographs": 3}, "samples and 3 photographs. Above"),
    ],
)
def test_notes_are_the_files_own(bank, tmp_path, history, said):
    network = EmbeddedGlean(bank, (64,), TINY)
    path = tmp_path / "mine.safetensors"
    weightfile.write(path, network, dict(network.named_parameters()), history)
    notes = create(f"glean[weights={path}]").method.notes
    assert said in notes
    millions = sum(value.numel() for value in network.parameters()) / 1e6
    assert f"in {millions:.1f} million" in notes


@pytest.mark.parametrize("factor", [16, 32, 64])
def test_a_held_out_face_comes_back_nearer_than_bicubic(shipped, face, factor):
    batch = lr_batch(face, factor)
    restored = shipped.restore(batch).sr
    assert restored.shape == (1, 3, 1024, 1024)
    assert restored.dtype == torch.float32
    assert 0 <= restored.min() <= restored.max() <= 1
    plain = resize(make_lr(face, factor), 1024, 1024)
    errors = [np.square(image.astype(float) - face).mean() for image in (to_pixels(restored[0]), plain)]
    assert 10 * np.log10(errors[1] / errors[0]) > 0.3  # dB
    assert torch.equal(restored, shipped.restore(batch).sr)
