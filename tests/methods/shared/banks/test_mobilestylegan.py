"""The bank against what OpenVINO computes from the same files (`tests/vectors/record_mobilestylegan.py`)."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.base.errors import MethodError, UsageError
from bench.base.seeds import Domain, normal
from methods.shared import banks
from methods.shared.banks.mobile_layers import haar_up

VECTORS = Path(__file__).parent / "vectors" / "mobilestylegan.npz"
TOLERANCE = 1e-3  # max abs, of values up to 23; measured: 4e-5


@pytest.fixture(scope="module")
def bank():
    return banks.load("mobilestylegan")


@pytest.fixture(scope="module")
def vectors():
    with np.load(VECTORS) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def test_the_mapping_equals_openvino(bank, vectors):
    torch.testing.assert_close(bank.map(vectors["z"]), vectors["w"], atol=TOLERANCE, rtol=0)


@torch.inference_mode()
def test_features_and_image_equal_openvino(bank, vectors):
    made = bank.synthesise(vectors["w"])
    for index in range(2):
        one = made.image[index : index + 1, :, 5::16, 3::16]
        torch.testing.assert_close(one, vectors[f"image{index}"], atol=TOLERANCE, rtol=0)
        for res, feature in made.features.items():
            stride = max(1, res // 8)
            kept = feature[index : index + 1, ::16, ::stride, ::stride]
            torch.testing.assert_close(kept, vectors[f"feature{index}_{res}"], atol=TOLERANCE, rtol=0)
    assert {res: feature.shape[1] for res, feature in made.features.items()} == bank.channels
    assert made.image.shape == (2, 3, bank.resolution, bank.resolution)


def test_the_inverse_haar_transform_equals_transposed_convolutions():
    x = torch.randn(2, 12, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gain = torch.rand(2, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    low, high = torch.tensor([0.5, 0.5]).double().sqrt(), torch.tensor([0.5, -0.5]).double()
    high = high.sign() * high.abs().sqrt()
    # lh varies along the rows, hl along the columns, hh along both.
    kernels = [torch.outer(a, b) for a, b in ((low, low), (high, low), (low, high), (high, high))]
    scaled = x * gain[:, :, None, None]
    bands = torch.cat([scaled[:, :3, None], scaled[:, 3:].unflatten(1, (3, 3))], 2)
    expected = F.conv_transpose2d(bands.flatten(1, 2), torch.stack(kernels * 3)[:, None], stride=2, groups=3)
    torch.testing.assert_close(haar_up(x, gain), expected, atol=1e-12, rtol=0)


@torch.inference_mode()
def test_start_and_upto_are_parts_of_the_whole(bank):
    w = bank.sample([1], Domain.VALIDATION)
    seen = []
    whole = bank.synthesise(w, feature_hook=lambda res, x: (seen.append(res), x)[1], stop_at=64)
    assert seen == list(whole.features) == [4, 8, 16, 32, 64]
    assert whole.image is None
    seen.clear()
    rest = bank.synthesise(
        w, start=(16, whole.features[16]), stop_at=64, feature_hook=lambda res, x: (seen.append(res), x)[1]
    )
    assert seen == [32, 64]
    assert torch.equal(rest.features[64], whole.features[64])


@torch.inference_mode()
def test_fuse_replaces_a_feature(bank):
    w = bank.sample([1], Domain.VALIDATION)
    plain = bank.synthesise(w, stop_at=16).features
    fused = bank.synthesise(w, stop_at=16, feature_hook=lambda res, x: x + 1 if res == 8 else x).features
    assert torch.equal(fused[4], plain[4])
    assert torch.equal(fused[8], plain[8] + 1)
    expected = bank.synthesise(w, start=(8, plain[8] + 1), stop_at=16).features[16]
    assert torch.equal(fused[16], expected)


@torch.inference_mode()
def test_noise_of_unit_variance_has_the_strength_of_the_banks_own(bank):
    w = bank.sample([1], Domain.VALIDATION)
    own = [conv.noise.noise / conv.noise.strength for block in bank.blocks for conv in block.convs]
    own = [bank.first.noise.noise / bank.first.noise.strength, *own]
    assert [tuple(one.shape[2:]) for one in own] == bank.noise_shapes()
    assert all(one.square().mean().item() == pytest.approx(1, abs=1e-5) for one in own)
    plain = bank.synthesise(w, stop_at=128).features[128]
    torch.testing.assert_close(bank.synthesise(w, noise=own, stop_at=128).features[128], plain, atol=1e-4, rtol=0)
    silent = bank.synthesise(w, noise=[0 * one for one in own], stop_at=128).features[128]
    assert (silent - plain).abs().mean() > 0.01


def test_a_latent_depends_on_its_index_alone(bank):
    many = bank.sample(range(5), Domain.VALIDATION, 0.7)
    assert torch.equal(bank.sample([3], Domain.VALIDATION, 0.7)[0], many[3])
    assert not torch.equal(bank.sample([3], Domain.TRAINING, 0.7)[0], many[3])
    assert torch.equal(bank.sample([3], Domain.VALIDATION, 0.0)[0], bank.mean_latent)
    z = torch.from_numpy(normal(Domain.VALIDATION, 3, (512,)))[None]
    torch.testing.assert_close(bank.sample([3], Domain.VALIDATION), bank.map(z), atol=1e-5, rtol=0)


def test_the_shipped_mean_is_the_mean_of_4096_draws(bank):
    mean = bank.sample(range(4096), Domain.FITTING).double().mean(0)
    torch.testing.assert_close(bank.mean_latent.double(), mean, atol=1e-6, rtol=0)


def test_gradients_reach_latents_and_noise(bank):
    w = bank.sample([2], Domain.VALIDATION).expand(23, -1)[None].clone().requires_grad_()
    noise = [torch.zeros(1, 1, *size, requires_grad=size[0] <= 16) for size in bank.noise_shapes()]
    bank.synthesise(w, noise=noise, stop_at=16).features[16].square().sum().backward()
    reached = w.grad.abs().amax((0, 2)) > 0
    assert reached.tolist() == [True] * 7 + [False] * 16
    assert all(one.grad.abs().max() > 0 for one in noise[:5])
    assert not any(parameter.requires_grad for parameter in bank.parameters())


def test_the_groups_are_the_parameters_of_the_synthesis(bank):
    groups = bank.groups()
    ids = [id(parameter) for group in groups for parameter in group]
    expected = {id(p) for name, p in bank.named_parameters() if not name.startswith("mapping")}
    assert len(groups) == 8
    assert len(ids) == len(set(ids))
    assert set(ids) == expected


@torch.inference_mode()
@pytest.mark.parametrize("how", ["weights", "autocast"])
def test_bf16(bank, how):
    w = bank.sample([4], Domain.VALIDATION, 0.7)
    plain = bank.synthesise(w, stop_at=32).features[32]
    if how == "weights":
        half = banks.load("mobilestylegan").to(torch.bfloat16).synthesise(w, stop_at=32).features[32]
    else:
        with torch.autocast("cpu", torch.bfloat16):
            half = bank.synthesise(w, stop_at=32).features[32]
    assert half.dtype == torch.bfloat16
    error = (half.float() - plain).square().mean() / plain.square().mean()
    assert error < 5e-4  # eight bits of mantissa; measured: 7e-5


@pytest.mark.parametrize(
    "arguments", [{"stop_at": 100}, {"start": (1024, torch.zeros(1))}, {"label": torch.zeros(1)}]
)
def test_what_the_bank_cannot_do_is_refused(bank, arguments):
    with pytest.raises(MethodError, match="mobilestylegan"):
        bank.synthesise(bank.mean_latent[None], **arguments)


def test_an_unknown_bank_suggests_the_known_one():
    with pytest.raises(UsageError, match="did you mean mobilestylegan"):
        banks.load("mobilstylegan")
    with pytest.raises(UsageError, match="unknown bank"):
        banks.assets("nothing")
    assert len(banks.assets("mobilestylegan")) == 4
