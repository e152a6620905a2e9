"""The StyleGAN2 bank against an independent implementation, in every key layout, and files that must be refused."""

import argparse

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.signal import convolve2d

from bench.base.errors import MethodError
from bench.base.seeds import Domain, normal
from methods.shared.banks.stylegan2 import StyleGAN2
from methods.shared.banks.stylegan2_discriminator import Discriminator
from methods.shared.banks.stylegan2_files import source
from methods.shared.banks.stylegan2_layers import StyleConv, capped
from tests.methods.shared.banks import stylegan2_peer as peer

SIZE, WIDTH, SLOTS = 32, 24, 8
WRITE = {"mmagic": peer.mmagic, "rosinality": peer.rosinality, "basicsr": dict, "nvidia": peer.nvidia}
NEST = {
    "mmagic": lambda state: {
        "meta": {"iter": 1},
        "state_dict": {f"generator_ema.{k}": v for k, v in state.items()},
    },
    "rosinality": lambda state: {"g_ema": state},
    "basicsr": lambda state: {"params_ema": state},
    "nvidia": lambda state: {"G_ema": state},
}


@pytest.fixture(scope="module")
def peer_generator():
    return peer.generator(SIZE, width=WIDTH)


@pytest.fixture(scope="module")
def state(peer_generator):
    return peer_generator.state_dict()


@pytest.fixture(scope="module")
def bank(state, tmp_path_factory):
    return loaded(tmp_path_factory.mktemp("bank") / "bank.pth", {"params_ema": state})


def loaded(path, content):
    torch.save(content, path)
    return source(path).load()


def z(count=2):
    return torch.from_numpy(np.stack([normal(Domain.VALIDATION, i, (WIDTH,)) for i in range(count)]))


def image_of(peer_generator, latents):
    with torch.no_grad():
        return peer_generator([latents], input_is_latent=True, randomize_noise=False)[0]


@pytest.mark.parametrize("layout", WRITE)
def test_every_layout_makes_the_image_of_an_independent_implementation(layout, peer_generator, state, tmp_path):
    bank = loaded(tmp_path / "bank.pt", NEST[layout](WRITE[layout](state)))
    with torch.no_grad():
        expected = peer_generator([z()], randomize_noise=False)[0]
        w = bank.map(z())
        made = bank.synthesise(w).image
    torch.testing.assert_close(w, peer_generator.style_mlp(z()), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(made, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)  # measured: 1e-6


@pytest.mark.parametrize("layout", WRITE)
def test_the_digest_is_of_the_tensors_not_of_the_file(layout, bank, state, tmp_path):
    save_file(
        {f"G_ema.{key}": value.clone() for key, value in WRITE[layout](state).items()}, tmp_path / "b.safetensors"
    )
    again = source(tmp_path / "b.safetensors").load()
    assert again.digest == bank.digest
    assert len(again.digest) == 64


def test_one_changed_value_changes_the_digest(bank, state, tmp_path):
    changed = {key: value.clone() for key, value in state.items()}
    changed["style_convs.3.weight"] += 1e-6
    assert loaded(tmp_path / "b.pth", changed).digest != bank.digest


def test_a_latent_a_slot(bank, peer_generator):
    torch.manual_seed(1)
    latents = torch.randn(2, SLOTS, WIDTH)
    expected = image_of(peer_generator, latents)
    made = bank.synthesise(latents).image
    torch.testing.assert_close(made, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)


def test_noise_of_ones_own(bank, peer_generator):
    torch.manual_seed(2)
    maps = [torch.randn(2, 1, *shape) for shape in bank.noise_shapes()]
    latents = torch.randn(2, SLOTS, WIDTH)
    expected = peer_generator([latents], input_is_latent=True, noise=maps)[0]
    made = bank.synthesise(latents, noise=maps).image
    torch.testing.assert_close(made, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)


@pytest.mark.parametrize("up", [False, True])
def test_a_style_convolution_equals_the_papers_formulas(up):
    """In float64, one weight a sample, the up-sampling written as sums: equations 1 to 3 of the paper."""
    rng = np.random.default_rng(0)
    conv = StyleConv(3, 4, 5, 10 if up else 5, up=up).double()
    with torch.no_grad():
        for value in (conv.strength, conv.bias):
            value.copy_(torch.from_numpy(rng.normal(size=tuple(value.shape))))
    x, w = rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(2, 5))
    made = conv(torch.from_numpy(x), torch.from_numpy(w)).detach().numpy()
    weight, noise = conv.weight.detach().numpy(), conv.noise.numpy()[0, 0]
    for sample in range(2):
        style = w[sample] @ conv.affine.weight.detach().numpy().T / np.sqrt(5) + conv.affine.bias.detach().numpy()
        for output in range(4):
            kernels = weight[output] / np.sqrt(27) * style[:, None, None]
            kernels = kernels / np.sqrt((kernels**2).sum() + 1e-8)
            sums = sum(_filtered(x[sample, c], kernels[c], up) for c in range(3))
            sums = sums + conv.strength.item() * noise + conv.bias[output].item()
            expected = np.where(sums > 0, sums, 0.2 * sums) * np.sqrt(2)
            np.testing.assert_allclose(made[sample, output], expected, atol=1e-12)


def _filtered(x, kernel, up):
    if not up:
        return convolve2d(np.pad(x, 1), kernel[::-1, ::-1], mode="valid")
    spread = np.zeros((2 * len(x) + 1, 2 * len(x) + 1))
    for i, j in np.ndindex(x.shape):
        spread[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += x[i, j] * kernel
    line = np.array([1, 3, 3, 1]) / 4
    return convolve2d(np.pad(spread, 1), np.outer(line, line), mode="valid")


def test_config_f_has_the_published_number_of_parameters():
    with torch.device("meta"):
        counts = {size: sum(p.numel() for p in StyleGAN2(capped(size)).parameters()) for size in (256, 512, 1024)}
        judge = sum(p.numel() for p in Discriminator(capped(1024)).parameters())
    assert counts[1024] == 30_370_060
    assert round(counts[256] / 1e6, 2) == 30.03
    assert round(counts[512] / 1e6, 2) == 30.28
    assert judge == 29_012_513  # NVIDIA's network printout for config-f at 1024


def test_what_the_bank_says_of_itself(bank):
    assert bank.resolution == SIZE
    assert bank.channels == dict.fromkeys((4, 8, 16, 32), 32)
    assert bank.latents == (SLOTS, WIDTH)
    assert bank.noise_shapes() == [(4, 4), *((r, r) for r in (8, 16, 32) for _ in range(2))]
    assert bank.kind is None
    assert bank.discriminator is None
    assert not bank.training
    assert not any(p.requires_grad for p in bank.parameters())


def test_groups_hold_every_parameter_of_the_synthesis_once(bank):
    grouped = [id(p) for group in bank.groups() for p in group]
    mapping = {id(p) for p in bank.mapping.parameters()}
    assert len(bank.groups()) == 4
    assert sorted(grouped) == sorted(id(p) for p in bank.parameters() if id(p) not in mapping)


@torch.no_grad()
def test_fuse_start_and_upto(bank):
    latents, seen = torch.randn(2, WIDTH), []
    plain = bank.synthesise(latents)
    fused = bank.synthesise(latents, feature_hook=lambda r, x: seen.append(r) or (x * 2 if r == 8 else x))
    assert seen == [4, 8, 16, 32]
    assert torch.equal(fused.features[8], plain.features[8] * 2)
    assert torch.equal(fused.features[4], plain.features[4])
    resumed = bank.synthesise(latents, start=(8, fused.features[8]), feature_hook=lambda r, x: seen.append(r) or x)
    assert seen[4:] == [16, 32]
    assert list(resumed.features) == [8, 16, 32]
    torch.testing.assert_close(resumed.features[32], fused.features[32])
    part = bank.synthesise(latents, stop_at=16)
    assert part.image is None
    assert list(part.features) == [4, 8, 16]
    assert torch.equal(part.features[16], plain.features[16])


def test_gradients_reach_latents_and_not_the_bank(bank):
    latents = torch.randn(1, SLOTS, WIDTH, requires_grad=True)
    bank.synthesise(latents).image.square().mean().backward()
    assert latents.grad.abs().amin(dim=(0, 2)).max() > 0
    assert all(latents.grad[0, slot].abs().max() > 0 for slot in range(SLOTS))
    assert all(p.grad is None for p in bank.parameters())


def test_a_sample_depends_on_its_index_alone(bank):
    alone, among = bank.sample([7], Domain.TRAINING), bank.sample([3, 7], Domain.TRAINING)
    assert torch.equal(alone[0], among[1])
    assert not torch.equal(alone, bank.sample([7], Domain.HELD_OUT))
    torch.testing.assert_close(bank.sample([7], Domain.TRAINING, truncation=0.0)[0], bank.mean_latent)


def test_the_mean_latent_is_the_files_or_that_of_4096_samples(bank, peer_generator, state, tmp_path):
    drawn = torch.from_numpy(np.stack([normal(Domain.FITTING, i, (WIDTH,)) for i in range(4096)]))
    expected = peer_generator.style_mlp(drawn).mean(0)
    torch.testing.assert_close(bank.mean_latent, expected, atol=1e-4, rtol=1e-4)
    own = torch.arange(WIDTH, dtype=torch.float32)
    rosinality = loaded(tmp_path / "a.pt", {"g_ema": peer.rosinality(state), "latent_avg": own[None]})
    ada = loaded(tmp_path / "b.pt", {"G_ema": peer.nvidia(state) | {"mapping.w_avg": own}})
    assert torch.equal(rosinality.mean_latent, own)
    assert torch.equal(ada.mean_latent, own)


def test_the_moving_average_comes_before_the_network_in_training(bank, state, tmp_path):
    other = peer.mmagic(peer.generator(SIZE, width=WIDTH, seed=5).state_dict())
    both = {f"generator.{k}": v for k, v in other.items()}
    both |= {f"generator_ema.{k}": v for k, v in peer.mmagic(state).items()}
    assert loaded(tmp_path / "b.pth", {"state_dict": both}).digest == bank.digest


def test_a_training_checkpoint_of_rosinality_is_read(bank, state, tmp_path):
    content = {"g_ema": peer.rosinality(state), "args": argparse.Namespace(lr=0.002), "ada_aug_p": 0.5}
    assert loaded(tmp_path / "550000.pt", content).digest == bank.digest


def test_activations_are_clamped_as_nvidias_code_does_in_its_layout_alone(state, tmp_path):
    state = state | {"style_conv1.activate.bias": state["style_conv1.activate.bias"] + 1000}
    theirs = loaded(tmp_path / "a.pt", {"G_ema": peer.nvidia(state)})
    free = loaded(tmp_path / "b.pth", {"params_ema": state})
    reached = [one.synthesise(one.mean_latent[None]).features[4].abs().max() for one in (theirs, free)]
    assert reached[0] == 256 < reached[1]


def test_bfloat16(bank, state, tmp_path):
    half = loaded(tmp_path / "b.pth", state).to(torch.bfloat16)
    whole, made = bank.synthesise(bank.mean_latent[None]).image, half.synthesise(bank.mean_latent[None]).image
    assert made.dtype == torch.float32
    assert (made - whole).abs().mean() < 0.02 * whole.abs().mean()  # measured: 0.007


DISCRIMINATORS = {"mmagic": peer.mmagic_discriminator, "rosinality": dict, "nvidia": peer.nvidia_discriminator}
JUDGE_NAMES = {"mmagic": "discriminator", "rosinality": "d", "nvidia": "D"}


@pytest.mark.parametrize("layout", DISCRIMINATORS)
def test_the_discriminator_of_a_file(layout, state, tmp_path):
    theirs = peer.randomised(peer.Discriminator(SIZE))
    content = NEST[layout](WRITE[layout](state)) | {
        JUDGE_NAMES[layout]: DISCRIMINATORS[layout](theirs.state_dict())
    }
    ours = loaded(tmp_path / "b.pt", content).discriminator
    torch.manual_seed(3)
    images = torch.randn(8, 3, SIZE, SIZE)
    expected = theirs(images)
    torch.testing.assert_close(ours(images), expected, atol=1e-5 * expected.abs().max().item(), rtol=0)


@pytest.mark.parametrize(("resolution", "images"), [(64, 6), (256, 1)])
def test_a_capped_discriminator_learns(resolution, images):
    judge = Discriminator(capped(resolution, 8))
    judge(torch.randn(images, 3, resolution, resolution)).sum().backward()
    assert all(p.grad.isfinite().all() for p in judge.parameters())
    assert judge.from_rgb.weight.grad.abs().max() > 0


@pytest.mark.parametrize("resolution", [64, 128, 256, 512, 1024])
def test_the_discriminator_serves_every_resolution(resolution):
    with torch.device("meta"):
        assert Discriminator(capped(resolution, 64))(torch.empty(2, 3, resolution, resolution)).shape == (2, 1)


def test_labels_and_wrong_latents_are_refused(bank):
    with pytest.raises(MethodError, match="no classes"):
        bank.synthesise(bank.mean_latent[None], label=torch.zeros(1))
    with pytest.raises(MethodError, match="cannot start there"):
        bank.synthesise(bank.mean_latent[None], start=(64, torch.zeros(1)))
    with pytest.raises(MethodError, match="do not fit"):
        bank.synthesise(torch.zeros(1, 18, 512))
