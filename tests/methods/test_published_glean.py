"""The published GLEAN: the numbers of parameters, the official file layout, and an independent forward pass."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from bench.assets.declare import Address
from bench.base.errors import AssetError, MethodError, UsageError
from bench.base.types import Batch, Category
from bench.registry.methods import build, create
from methods.glean import published
from methods.glean.published_network import PublishedGLEAN
from methods.glean.released import RELEASED
from methods.shared.banks.stylegan2 import StyleGAN2
from methods.shared.banks.stylegan2_layers import capped
from tests.methods.shared.banks import stylegan2_peer as peer

IN, OUT, CHANNELS, WIDTH, SLOTS = 8, 32, 12, 16, 8
TRUNK, BLOCKS, GROWTH = 6, 2, 4

# in, out: encoder, its fully connected layer, fusion_out, fusion_skip, decoder, bank, trainable, total (millions)
COUNTS = {
    (16, 256): (87.41, 58.73, 14.16, 0.042, 40.26, 30.03, 141.87, 171.90),
    (32, 256): (92.13, 58.73, 18.88, 0.056, 21.39, 30.03, 132.45, 162.48),
    (32, 512): (100.52, 67.12, 18.88, 0.056, 21.90, 30.28, 141.35, 171.63),
    (64, 1024): (113.63, 75.51, 23.60, 0.070, 7.86, 30.37, 145.15, 175.52),
    (128, 1024): (117.02, 75.51, 24.78, 0.077, 1.96, 30.37, 143.83, 174.20),
    (32, 1024): (108.91, 75.51, 18.88, 0.056, 22.01, 30.37, 149.85, 180.22),
    (16, 1024): (104.19, 75.51, 14.16, 0.042, 40.89, 30.37, 159.28, 189.65),
}


def millions(part, trainable=False):
    return sum(p.numel() for p in part.parameters() if p.requires_grad or not trainable) / 1e6


@pytest.mark.parametrize(("sizes", "expected"), COUNTS.items())
def test_the_published_numbers_of_parameters(sizes, expected):
    with torch.device("meta"):
        network = PublishedGLEAN(sizes[0], StyleGAN2(capped(sizes[1])))
    first = (network.encoder, network.encoder[-1][3], network.fusion_out)
    parts = (*first, network.fusion_skip, network.decoder, network.generator)
    counted = [*map(millions, parts), millions(network, trainable=True), millions(network)]
    assert [round(count, 3 if i == 3 else 2) for i, count in enumerate(counted)] == list(expected)


@pytest.mark.parametrize("sizes", [(16, 256), (64, 1024), (16, 1024)])
def test_the_published_sizes(sizes):
    with torch.device("meta"):
        image = PublishedGLEAN(sizes[0], StyleGAN2(capped(sizes[1])))(torch.empty(2, 3, sizes[0], sizes[0]))
    assert image.shape == (2, 3, sizes[1], sizes[1])


# ---------------------------------------------------------------- a small file in the official layout, written by hand


def official(seed=0):
    """Return the state dict of a small GLEAN: the names of mmediting's modules, a few channels, random values."""
    shapes = {
        **convolution("encoder.0.0.conv_first", 3, TRUNK),
        **convolution("encoder.0.0.conv_body", TRUNK, TRUNK),
        **convolution("encoder.0.1", TRUNK, CHANNELS),
        **convolution("encoder.1.0", CHANNELS, CHANNELS),  # 8 to 4
        **convolution("encoder.1.2", CHANNELS, CHANNELS),
        **convolution("encoder.2.0", CHANNELS, CHANNELS),
        "encoder.2.3.weight": (SLOTS * WIDTH, 16 * CHANNELS),
        "encoder.2.3.bias": (SLOTS * WIDTH,),
        **convolution("decoder.0.upsample_conv", CHANNELS, 4 * CHANNELS),
        **convolution("decoder.1.upsample_conv", 2 * CHANNELS, 4 * CHANNELS),
        **convolution("decoder.2.0", 2 * CHANNELS, 64),
        **convolution("decoder.2.2", 64, 3),
    }
    for level in range(2):
        shapes |= convolution(f"fusion_out.{level}", 2 * CHANNELS, CHANNELS)
        shapes |= convolution(f"fusion_skip.{level}", CHANNELS + 3, 3)
    for block in range(BLOCKS):
        for dense in (1, 2, 3):
            for conv in (1, 2, 3, 4, 5):
                name = f"encoder.0.0.body.{block}.rdb{dense}.conv{conv}"
                shapes |= convolution(name, TRUNK + (conv - 1) * GROWTH, TRUNK if conv == 5 else GROWTH)
    torch.manual_seed(seed)
    values = {k: torch.randn(v) / max(1, np.prod(v[1:])) ** 0.5 for k, v in shapes.items()}
    bank = peer.generator(OUT, channels=CHANNELS, width=WIDTH, seed=seed).state_dict()
    return values | {f"generator.{key}": value for key, value in peer.mmagic(bank).items()}


def convolution(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs, 3, 3), f"{name}.bias": (outputs,)}


def written(path, state, **beside):
    content = {f"generator.{key}": value for key, value in state.items()}
    content |= {
        "discriminator.final_linear.1.bias": torch.zeros(1),
        "perceptual_loss.vgg.mean": torch.zeros(1, 3, 1, 1),
    }
    torch.save({"meta": {"iter": 300_000, "mmcv_version": "1.3.3"}, "state_dict": content | beside}, path)
    return path


@pytest.fixture(scope="module")
def state():
    return official()


@pytest.fixture(scope="module")
def network(state, tmp_path_factory):
    return published.load(written(tmp_path_factory.mktemp("glean") / "glean.pth", state))


def conv(state, name, x, stride=1):
    return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride=stride, padding=1)


def leaky(x):
    return F.leaky_relu(x, 0.2)


def reference(state, lr):
    """Compute GLEAN from the official names alone: plain functions, and the bank of another code base."""
    bank = peer.generator(OUT, channels=CHANNELS, width=WIDTH, seed=0)
    x = first = conv(state, "encoder.0.0.conv_first", lr)
    for block in range(BLOCKS):
        y = x
        for dense in (1, 2, 3):
            seen, name = [y], f"encoder.0.0.body.{block}.rdb{dense}.conv"
            for number in (1, 2, 3, 4):
                seen.append(leaky(conv(state, f"{name}{number}", torch.cat(seen, 1))))
            y = y + 0.2 * conv(state, f"{name}5", torch.cat(seen, 1))
        x = x + 0.2 * y
    eight = leaky(conv(state, "encoder.0.1", first + conv(state, "encoder.0.0.conv_body", x)))
    four = leaky(conv(state, "encoder.1.2", leaky(conv(state, "encoder.1.0", eight, stride=2))))
    flat = leaky(conv(state, "encoder.2.0", four)).flatten(1)
    w = (flat @ state["encoder.2.3.weight"].T + state["encoder.2.3.bias"]).view(len(lr), SLOTS, WIDTH)

    noise = [getattr(bank.noises, f"noise{number}") for number in range(7)]
    x = bank.style_conv1(bank.constant_input(len(lr)), w[:, 0], noise=noise[0])
    kept = {}
    for level, encoded in enumerate((four, eight, None)):
        if encoded is not None:
            x = conv(state, f"fusion_out.{level}", torch.cat([x, encoded], 1))
        for number in (2 * level, 2 * level + 1):
            x = bank.style_convs[number](x, w[:, number + 1], noise=noise[number + 1])
        kept[8 << level] = x

    x = F.pixel_shuffle(conv(state, "decoder.0.upsample_conv", eight), 2)
    x = F.pixel_shuffle(conv(state, "decoder.1.upsample_conv", torch.cat([x, kept[16]], 1)), 2)
    return conv(state, "decoder.2.2", leaky(conv(state, "decoder.2.0", torch.cat([x, kept[32]], 1))))


def lr(count=2, size=IN):
    torch.manual_seed(1)
    return torch.rand(count, 3, size, size) * 2 - 1


def test_a_file_of_the_official_layout_makes_the_image_of_an_independent_implementation(network, state):
    assert (network.in_size, network.out_size) == (IN, OUT)
    with torch.no_grad():
        expected, made = reference(state, lr()), network(lr())
    torch.testing.assert_close(made, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)  # measured: 6e-7


def test_every_value_comes_from_the_file(network, state, tmp_path):
    torch.manual_seed(99)
    again = published.load(written(tmp_path / "again.pth", state))
    assert all(
        torch.equal(a, b) for a, b in zip(again.state_dict().values(), network.state_dict().values(), strict=True)
    )
    assert again.generator.digest == network.generator.digest
    ours = sum(value.numel() for value in network.state_dict().values())
    theirs = sum(value.numel() for key, value in state.items() if not key.endswith("kernel"))
    assert ours == theirs


@torch.no_grad()
def test_an_image_depends_on_its_input_alone(network):
    both, torch_state = network(lr()), torch.get_rng_state()
    for index in range(2):
        torch.testing.assert_close(network(lr()[index : index + 1])[0], both[index], atol=1e-5, rtol=1e-5)
    assert torch.equal(network(lr()), both)
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_the_dead_branch_is_read_and_changes_nothing(network, state, tmp_path):
    changed = {key: value * 3 if "fusion_skip" in key else value for key, value in state.items()}
    other = published.load(written(tmp_path / "glean.pth", changed))
    torch.testing.assert_close(other.fusion_skip[0].weight, 3 * network.fusion_skip[0].weight)
    with torch.no_grad():
        assert torch.equal(other(lr()), network(lr()))


def test_the_bank_is_frozen_and_the_rest_can_be_trained(network):
    assert not any(p.requires_grad for p in network.generator.parameters())
    network(lr()).square().mean().backward()
    untouched = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    network.zero_grad()
    assert untouched
    assert all(name.startswith("fusion_skip") for name in untouched)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: s.pop("encoder.1.2.bias"), r"1 missing: encoder\.1\.2\.bias"),
        (lambda s: s.pop("generator.to_rgb1.bias"), r"1 missing: generator\.rgbs\.0\.bias"),
        (lambda s: s.pop("generator.injected_noise_3"), r"1 missing: generator\.convs\.3\.noise"),
        (lambda s: s.update({"decoder.9.bias": torch.zeros(1)}), r"1 unexpected: decoder\.9\.bias"),
        (
            lambda s: s.update({"fusion_out.0.weight": torch.zeros(12, 12, 3, 3)}),
            r"fusion_out\.0\.weight \(12, 12",
        ),
        (lambda s: s.update({"generator.mapping.weight": torch.zeros(1)}), r"unknown key mapping\.weight"),
        (
            lambda s: s.update({"encoder.0.1.bias": torch.full((12,), torch.inf)}),
            r"not finite: encoder\.0\.1\.bias",
        ),
    ],
)
def test_a_wrong_file_is_refused_by_name(change, named, state, tmp_path):
    wrong = dict(state)
    change(wrong)
    with pytest.raises(AssetError, match=rf"glean\.pth.*{named}"):
        published.load(written(tmp_path / "glean.pth", wrong))


def test_another_network_is_refused_by_name_and_size(state, tmp_path):
    bank_alone = {"g_ema": {key.removeprefix("generator."): value for key, value in state.items()}}
    for content in (
        bank_alone,
        {"generator.conv_first.weight": torch.zeros(1)},
        {"generator_ema.x": torch.zeros(1)},
    ):
        path = tmp_path / "RRDBNet.pth"
        torch.save({"state_dict": content}, path)
        with pytest.raises(
            AssetError, match=rf"RRDBNet\.pth \({path.stat().st_size:,} bytes\) is no published GLEAN"
        ):
            published.load(path)


def test_an_official_file_is_known_by_what_it_holds_not_by_its_suffix(network, state, tmp_path):
    tensors = {f"generator.{key}": value.contiguous() for key, value in state.items()}
    save_file(tensors, tmp_path / "glean.safetensors")
    method = create(f"glean[weights={tmp_path / 'glean.safetensors'}]").method
    assert (method.kind, method.training_metrics, method.assets()) == (
        None,
        ("dists", "lpips_vgg"),
        (tmp_path / "glean.safetensors",),
    )
    method.load(torch.device("cpu"))
    with torch.no_grad():
        wanted = (network(lr(1)) + 1) / 2
    restored = method.restore(Batch((lr(1) + 1) / 2, 4, ("a",), (0,), Category("c", None))).sr
    torch.testing.assert_close(restored, wanted.clamp(0, 1), rtol=0, atol=1e-5)


def test_a_released_file_is_for_its_own_kind_of_image():
    method = build("glean[weights=glean_cat_16x_20210527-68912543.pth]")
    assert method.kind == "cats"
    assert method.needs.memory_mb > 2 * create("glean").method.needs.memory_mb
    cats, faces = Category("c", "cats"), Category("f", "faces")
    assert method.supports((16, 16), (256, 256), 16, cats) is None
    assert "for cats, this category shows faces" in method.supports((16, 16), (256, 256), 16, faces)
    assert "16 to 256" in method.supports((32, 32), (256, 256), 8, cats)


def test_a_truncated_file_is_refused_by_name_and_size(state, tmp_path):
    path = written(tmp_path / "glean.pth", state)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(AssetError, match=rf"glean\.pth \({path.stat().st_size:,} bytes\) cannot be read"):
        published.load(path)


def test_one_input_size(network):
    with pytest.raises(MethodError, match="got 16x16, expected 8x8"):
        network(lr(size=16))
    with pytest.raises(MethodError, match="got 8x4, expected 8x8"):
        network(lr()[..., :4])


def test_the_released_files(tmp_path, monkeypatch, state):
    assert [(r.in_size, r.out_size) for r in RELEASED.values()] == [
        (64, 1024),
        (32, 256),
        (16, 256),
        (128, 1024),
    ]
    for name, release in RELEASED.items():
        assert release.asset.sources == (
            Address(f"https://download.openmmlab.com/mmediting/restorers/glean/{name}"),
        )
    with pytest.raises(UsageError, match=r"did you mean glean_cat_8x_20210614-d3ac8683\.pth"):
        published.load("glean_cat_8x.pth")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    name, asset = next((name, release.asset) for name, release in RELEASED.items())
    asset.path.parent.mkdir(parents=True)
    written(asset.path, state)
    with pytest.raises(AssetError, match=f"{name}.*is not the released one.*expected 61a3afad"):
        published.load(name)
