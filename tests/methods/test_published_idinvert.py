"""The published encoder of idinvert: a file in the official layout encodes as the release's network does."""

from __future__ import annotations

import math
import re

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from bench import Asset, fetch
from bench.base.bank import Latents
from bench.base.errors import AssetError, UsageError
from bench.base.types import Category
from bench.images.degradation import resize_tensor
from bench.registry.methods import build, create
from methods.idinvert import published, released
from methods.idinvert.published import PublishedEncoder
from methods.shared import banks
from methods.shared.banks import released as released_banks
from tests.methods.common import loaded
from tests.methods.inverting import target
from tests.methods.shared.banks import released_peer
from tests.methods.shared.banks import stylegan2_peer as peer

CHANNELS, WIDTH = (4, 6, 8, 8), 4  # 32 pixels down to 4; the last block has no convolution beside it
SLOTS, SIDE = 2 * len(CHANNELS), 2 << len(CHANNELS)


# ---------------------------------------------------------------- a small file in the official layout, and its network


def official(seed=0):
    """Return the state dict of a small encoder: the names of idinvert_pytorch's modules, random values."""
    g = torch.Generator().manual_seed(seed)
    state = {}

    def layer(name, norm, *shape):
        state[f"{name}.weight"] = torch.randn(*shape, generator=g) / math.prod(shape[1:]) ** 0.5
        count = shape[0]
        state[f"{norm}.bn.weight"] = 1 + 0.2 * torch.randn(count, generator=g)
        state[f"{norm}.bn.bias"] = 0.2 * torch.randn(count, generator=g)
        state[f"{norm}.bn.running_mean"] = 0.2 * torch.randn(count, generator=g)
        state[f"{norm}.bn.running_var"] = 0.5 + torch.rand(count, generator=g)
        state[f"{norm}.bn.num_batches_tracked"] = torch.tensor(1000)

    layer("block0.conv", "block0.bn", CHANNELS[0], 3, 3, 3)
    for i in range(1, len(CHANNELS)):
        inputs, outputs = CHANNELS[i - 1], CHANNELS[i]
        hidden = min(inputs, outputs)
        if inputs != outputs:
            layer(f"block{i}.conv", f"block{i}.bn", outputs, inputs, 1, 1)
        layer(f"block{i}.conv1", f"block{i}.bn1", hidden, inputs, 3, 3)
        state[f"block{i}.wscale1.bias"] = 0.2 * torch.randn(hidden, generator=g)
        layer(f"block{i}.conv2", f"block{i}.bn2", outputs, hidden, 3, 3)
        state[f"block{i}.wscale2.bias"] = 0.2 * torch.randn(outputs, generator=g)
    last = f"block{len(CHANNELS)}"
    layer(f"{last}.fc", f"{last}.bn", SLOTS * WIDTH, 16 * CHANNELS[-1])
    state[f"{last}.fc.weight"] *= (16 * CHANNELS[-1]) ** 0.5  # its scale is applied at run time
    return state


def reference(state, image):
    """Encode an image (N, 3, SIDE, SIDE) in float64, from the official names alone."""
    state = {key: value.double() for key, value in state.items()}

    def normed(x, name):
        mean, var, gain, shift = (
            state[f"{name}.bn.{part}"].view(1, -1, 1, 1)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(var + 1e-5) * gain + shift

    def active(x):
        return torch.where(x > 0, x, 0.2 * x)

    def halved(x):
        return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4

    x = active(normed(F.conv2d(image.double(), state["block0.conv.weight"], padding=1), "block0.bn"))
    for i in range(1, len(CHANNELS)):
        x = y = halved(x)
        if f"block{i}.conv.weight" in state:
            y = active(normed(F.conv2d(x, state[f"block{i}.conv.weight"]), f"block{i}.bn"))
        for j in (1, 2):  # the release divides by a scale and multiplies by the same one
            bias = state[f"block{i}.wscale{j}.bias"].view(1, -1, 1, 1)
            x = active(normed(F.conv2d(x, state[f"block{i}.conv{j}.weight"], padding=1) + bias, f"block{i}.bn{j}"))
        x = x + y
    last = f"block{len(CHANNELS)}"
    flat = x.flatten(1) @ state[f"{last}.fc.weight"].T / math.sqrt(16 * CHANNELS[-1])
    return normed(flat[:, :, None, None], f"{last}.bn").view(len(x), SLOTS, WIDTH)


@pytest.fixture(scope="module")
def state():
    return official()


@pytest.fixture(scope="module")
def bank_file(tmp_path_factory):
    """The path of a StyleGAN of 32 pixels in the layout of idinvert's generators."""
    path = tmp_path_factory.mktemp("bank") / "generator.pth"
    torch.save(released_peer.idinvert((4, 4, 4, 4), WIDTH), path)
    return path


@pytest.fixture(scope="module")
def weights(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "encoder.pth"
    torch.save(state, path)
    return path


@pytest.mark.parametrize("side", [SIDE, 8, 2 * SIDE])
def test_a_file_of_the_official_layout_encodes_as_an_independent_implementation(side, weights, state, bank_file):
    encoder = published.load(str(weights), banks.load(f"stylegan1:{bank_file}"))
    assert (encoder.side, encoder.latents) == (SIDE, (SLOTS, WIDTH))
    image = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
    made, wanted = encoder(image), reference(state, resize_tensor(image, SIDE, SIDE))
    assert wanted.std() > 0.3
    torch.testing.assert_close(made, wanted.float(), rtol=0, atol=1e-5 * wanted.abs().max().item())
    assert not any(value.requires_grad for value in encoder.parameters())


def test_the_released_encoders_read_256_pixels():
    with torch.device("meta"):
        encoder = PublishedEncoder((64, 128, 256, 512, 1024, 1024, 1024), Latents(14, 512))
    assert encoder.side == 256
    blocks = sum(
        9 * a * a + 9 * a * b + a * b + a + 2 * b for a, b in ((64, 128), (128, 256), (256, 512), (512, 1024))
    )
    wanted = 27 * 64 + 64 + blocks + 2 * 2 * (9 * 1024**2 + 1024) + 7168 * (16 * 1024 + 1)
    assert sum(value.numel() for value in encoder.parameters()) == wanted


# ---------------------------------------------------------------------------------------------- the method with it


def test_it_begins_where_the_encoder_says_and_lowers_its_objective(weights, bank_file, state, light):
    given = target(f"stylegan1:{bank_file}", side=16)
    text = f"weights={weights},bank=stylegan1:{bank_file}"
    method = loaded(f"idinvert[{text},steps=40]")
    done = method.restore(given)
    assert done.values[0]["objective"] < 0.7 * done.values[0]["objective_first"]
    assert done.sr.equal(method.restore(given).sr)
    bank = banks.load(f"stylegan1:{bank_file}")
    latents = reference(state, resize_tensor(2 * given.lr - 1, SIDE, SIDE)).float()
    first = ((bank.synthesise(latents).image + 1) / 2).clamp(0, 1)
    begun = loaded(f"idinvert[preset=paper,{text},steps=1]").restore(given).sr
    torch.testing.assert_close(begun, first, rtol=0, atol=0.1)


def test_it_says_what_it_is(weights, bank_file):
    method = create(f"idinvert[weights={weights},bank=stylegan1:{bank_file},preset=paper]").method
    assert method.title == "In-domain inversion, published encoder (paper)"
    assert "the published encoder reads the LR enlarged" in method.notes
    assert method.training_metrics == ("dists", "lite0", "lpips_vgg")
    assert method.needs.memory_mb > 1.5 * create("idinvert").method.needs.memory_mb
    assert method.supports((128, 128), (256, 256), 2, Category("c", None)) is None


def test_an_official_file_is_known_by_what_it_holds_not_by_its_suffix(state, bank_file, tmp_path):
    save_file(state, tmp_path / "encoder.safetensors")
    method = loaded(f"idinvert[weights={tmp_path / 'encoder.safetensors'},bank=stylegan1:{bank_file}]")
    assert "published" in method.title


def test_the_released_files_and_their_banks(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    assert {one.bank for one in released.RELEASED.values()} == {
        name for name in banks.NAMES if re.match("stylegan1-.*-256", name)
    }
    for name, release in released.RELEASED.items():
        text = f"idinvert[weights={name},bank={release.bank}]"
        method = build(text)
        assert isinstance(method.assets()[0], Asset)
        assert method.supports((128, 128), (256, 256), 2, Category("c", method.kind)) is None
        with pytest.raises(
            AssetError, match=rf"{name} can be got by hand only; get it from https://drive.*put it at"
        ):
            fetch(method.assets()[0])
        with pytest.raises(
            UsageError, match=rf"no weight file .*{name}.*; get it from https://drive.*or put it at"
        ):
            create(f"idinvert[weights={tmp_path / name},bank={release.bank}]")


def test_a_banks_name_tells_what_it_calls_itself():
    for name, bank in released_banks.RELEASED.items():
        assert banks.family(name) == banks.family(f"{bank.family}:mine.pth") == bank.family
    rest = {name: banks.family(name) for name in banks.NAMES if name not in released_banks.RELEASED}
    assert rest.pop("mobilestylegan") == "mobilestylegan"
    assert {*rest.values(), banks.family("mine.pth"), banks.family("pggan-mine.pth")} == {"stylegan2"}


def test_an_encoder_of_another_bank_is_refused(weights, bank_file, tmp_path):
    face = Category("c", "faces")
    tower = build("idinvert[weights=styleganinv_tower256_encoder.pth,bank=stylegan1-ffhq-256]")
    assert "is for the bank stylegan1-tower-256" in tower.supports((16, 16), (256, 256), 16, face)
    assert "not for mobilestylegan" in build(f"idinvert[weights={weights}]").supports(
        (16, 16), (256, 256), 16, face
    )
    assert "not for mine.pth" in released.incompatibility_reason("styleganinv_ffhq256_encoder.pth", "mine.pth")
    assert released.incompatibility_reason("styleganinv_ffhq256_encoder.pth", "stylegan1:mine.pth") is None
    small, other = tmp_path / "small.pth", tmp_path / "other.pth"
    torch.save(released_peer.idinvert((4, 4, 4), WIDTH), small)
    torch.save({"params_ema": peer.generator(32, width=WIDTH).state_dict()}, other)
    for name, got in (
        (f"stylegan1:{small}", "stylegan1 of 6 latents of 4"),
        (str(other), "stylegan2 of 8 latents"),
    ):
        with pytest.raises(
            AssetError, match=f"for another bank: got {got}.*, expected stylegan1 of 8 latents of 4"
        ):
            published.load(str(weights), banks.load(name))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"block1.bn2.bn.running_var": None}, r"incomplete: got no block1\.bn2\.bn\.running_var"),
        ({"block2.conv.weight": None}, r"incomplete: got no block2\.conv\.weight"),
        ({"block4.fc.weight": None}, r"incomplete: got no block4\.fc\.weight"),
        ({"block3.conv.weight": torch.zeros(8, 8, 1, 1)}, r"unknown key block3\.conv\.weight"),
        ({"block1.bn1.bn.weight": torch.ones(1)}, r"got block1\.bn1\.bn\.weight \(1,\), expected \(4,\)"),
        ({"block0.conv.weight": torch.zeros(4, 3, 5, 5)}, r"first\.weight \(4, 3, 5, 5\), not \(4, 3, 3, 3\)"),
        ({"block4.fc.weight": torch.zeros(32, 64)}, r"dense\.weight \(32, 64\), not \(32, 128\)"),
        ({"block1.wscale1.bias": torch.full((4,), torch.nan)}, r"not finite: blocks\.0\.one\.bias"),
        ({"block1.bn.bn.running_var": torch.full((6,), -1.0)}, r"not finite: blocks\.0\.past\.weight"),
        ({"block0.conv.weight": torch.zeros(())}, r"fits no published encoder"),
    ],
)
def test_a_wrong_file_is_refused_by_name(change, says, state, bank_file, tmp_path):
    path = tmp_path / "encoder.pth"
    torch.save({key: value for key, value in (state | change).items() if value is not None}, path)
    with pytest.raises(AssetError, match=rf"encoder\.pth.*{says}"):
        published.load(str(path), banks.load(f"stylegan1:{bank_file}"))


def test_a_generator_and_half_a_file_are_no_encoder(weights, bank_file, tmp_path):
    bank = banks.load(f"stylegan1:{bank_file}")
    expected = r"is no published encoder.*expected block0\.conv\.weight.*styleganinv_ffhq256_encoder"
    with pytest.raises(AssetError, match=expected):
        published.load(str(bank_file), bank)
    torn = tmp_path / "torn.pth"
    torn.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(AssetError, match=r"torn\.pth \([\d,]+ bytes\) cannot be read"):
        published.load(str(torn), bank)
