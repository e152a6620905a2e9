"""DDRM: its sampler against the published rule with a dense decomposition, its priors against diffusers' own."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bench.base.errors import AssetError, UsageError
from bench.base.types import Batch, Category
from bench.categories.card import read_cards
from bench.images.degradation import make_lr, resize_matrix
from bench.images.png import to_pixels, to_tensor
from bench.registry.methods import build
from methods.ddrm import sampling
from scripts import train_small_prior
from tests.conftest import photo
from tests.methods.common import loaded

diffusers = pytest.importorskip("diffusers", reason="the extra `diffusion` is not installed")

SIDE, LR = 12, 4


def _published_step(y, x, image, sigmas, eta, etab, noise):
    """Equation 8 of the paper for sigma_y = 0, by the singular vectors of the whole operator as one matrix."""
    matrix = np.kron(resize_matrix(SIDE, LR), resize_matrix(SIDE, LR))
    left, singular, right = np.linalg.svd(matrix)
    sigma, following = sigmas
    coefficients = [right @ value.reshape(-1) for value in (x, image, noise)]
    result = np.empty(SIDE * SIDE)
    for i, (x_i, image_i, noise_i) in enumerate(zip(*coefficients, strict=True)):
        if i < len(singular):
            observed = (left.T @ y.reshape(-1))[i] / singular[i]
            result[i] = (1 - etab) * image_i + etab * observed + following * noise_i
        else:
            direction = (x_i - image_i) / sigma
            result[i] = image_i + (1 - eta**2) ** 0.5 * following * direction + eta * following * noise_i
    return (right.T @ result).reshape(SIDE, SIDE)


@pytest.mark.parametrize(("eta", "etab"), [(0.85, 1.0), (0.5, 0.7), (0.0, 0.0)])
def test_each_step_is_the_published_one(eta, etab):
    """Of a linear denoiser, from noise to image, in float64."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, 0.05, (SIDE * SIDE, SIDE * SIDE))
    y = rng.normal(size=(LR, LR))
    given = sampling.Given.of(torch.from_numpy(y)[None, None], (SIDE, SIDE))
    x = rng.normal(size=(SIDE, SIDE))
    for sigmas in ((9.0, 4.0), (4.0, 0.3), (0.3, 0.0)):
        image, noise = (matrix @ x.reshape(-1)).reshape(SIDE, SIDE), rng.normal(size=(SIDE, SIDE))
        expected = _published_step(y, x, image, sigmas, eta, etab, noise)
        tensors = [torch.from_numpy(value)[None, None] for value in (x, image, noise)]
        got = given.step(tensors[0], tensors[1], sigmas, sampling.Weights(eta, etab), tensors[2])
        np.testing.assert_allclose(got[0, 0].numpy(), expected, atol=1e-6)
        x = expected


def test_the_levels_are_those_of_the_authors():
    """They step through range(0, 1000, 1000 // steps), and end without noise."""
    alphas = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    levels = sampling.levels(alphas.tolist(), 20)
    assert [level.t for level in levels] == [*range(950, -1, -50)]
    np.testing.assert_allclose(levels[0].sigma, np.sqrt(1 / alphas[950] - 1), rtol=1e-12)
    assert sampling.CLEAN.sigma == 0


@pytest.mark.parametrize(("size", "factor"), [((32, 32), 8), ((32, 48), 4)])
def test_the_lr_of_the_result_is_the_given_one(size, factor):
    """Before it is clipped to 1e-4; as a PNG to 45 dB, of an image without saturated pixels."""
    hr = (64 + photo(3, *size) / 2).astype(np.uint8)
    lr = make_lr(hr, factor)
    schedule = sampling.levels(np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)).tolist(), 20)
    drawn = sampling.sample(
        lambda x, t: 0.1 * x,
        2 * to_tensor(lr) - 1,
        size,
        schedule=schedule,
        weights=sampling.Weights(0.85, 1.0),
        random=torch.Generator(),
    )
    rows, columns = (torch.from_numpy(resize_matrix(side, side // factor)).float() for side in size)
    assert (rows @ drawn @ columns.T - (2 * to_tensor(lr) - 1)).abs().max() < 1e-4
    sr = (drawn[0] + 1) / 2
    assert sr.clamp(0, 1).equal(sr), "nothing may be clipped, or the test is about something else"
    again = make_lr(to_pixels(sr), factor).astype(float)
    assert np.mean((again - lr) ** 2) < 255**2 / 10**4.5


def save_prior(path, flat=False, unet=(), schedule=()):
    """Save a tiny random prior as diffusers does, with some of its settings changed."""
    torch.manual_seed(0)
    network = diffusers.UNet2DModel(
        **{
            "sample_size": 32,
            "block_out_channels": (8, 8),
            "layers_per_block": 1,
            "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
            "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
            "attention_head_dim": 4,
            "norm_num_groups": 4,
            **dict(unet),
        }
    )
    network.save_pretrained(path if flat else path / "unet", safe_serialization=not flat)
    diffusers.DDPMScheduler(**dict(schedule)).save_pretrained(path if flat else path / "scheduler")
    return network.eval()


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("learned", [False, True])
def test_a_prediction_is_what_diffusers_makes_of_it(tmp_path, prediction, learned):
    schedule = {
        "prediction_type": prediction,
        "variance_type": "learned_range" if learned else "fixed_small",
        "clip_sample": False,
    }
    network = save_prior(tmp_path, flat=learned, unet={"out_channels": 6 if learned else 3}, schedule=schedule)
    prior = loaded(f"ddrm[prior={tmp_path}]")._prior
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        for t in (900, 500, 20):
            output = network(x, t).sample
            expected = diffusers.DDPMScheduler(**schedule).step(output, t, x).pred_original_sample
            torch.testing.assert_close(prior.predict(x, t), expected, rtol=1e-3, atol=1e-4)


def test_names_of_former_versions_are_read(tmp_path):
    """Google's files call the layers of an attention query, key, value and proj_attn."""
    save_prior(tmp_path, flat=True)
    path = tmp_path / "diffusion_pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    expected = loaded(f"ddrm[prior={tmp_path}]").network.state_dict()
    for former, name in {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}.items():
        state = {key.replace(f".{name}.", f".{former}."): tensor for key, tensor in state.items()}
    assert any(".proj_attn." in key for key in state)
    torch.save(state, path)
    torch.testing.assert_close(loaded(f"ddrm[prior={tmp_path}]").network.state_dict(), expected)


def test_an_image_depends_on_its_seed_alone(tmp_path):
    save_prior(tmp_path)
    method, lr = loaded(f"ddrm[prior={tmp_path},steps=3]"), torch.rand(2, 3, 4, 4)
    both = method.restore(Batch(lr, 8, ("a", "b"), (5, 6), Category("c", None))).sr
    alone = method.restore(Batch(lr[1:], 8, ("b",), (6,), Category("c", None))).sr
    torch.testing.assert_close(both[1:], alone)
    assert not torch.equal(alone, method.restore(Batch(lr[1:], 8, ("b",), (7,), Category("c", None))).sr)


def _edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("unet/config.json", {"in_channels": 1}, r"got 1 channels in, 3 out, expected 3 and 3"),
        ("unet/config.json", {"out_channels": 6}, r"a fixed variance: got 3 channels in, 6 out, expected 3 and 3"),
        ("unet/config.json", {"num_class_embeds": 10}, "needs a class: expected an unconditional UNet2DModel"),
        ("unet/config.json", {"_class_name": "UNet2DConditionModel"}, "is of another kind"),
        ("unet/config.json", {"layers_per_block": 2}, r"is no UNet2DModel of its configuration: got \d+ missing"),
        ("scheduler/scheduler_config.json", {"prediction_type": "flow"}, "predicts something else: got flow"),
        ("scheduler/scheduler_config.json", {"beta_schedule": "none"}, "fits no UNet2DModel"),
    ],
)
def test_a_prior_that_would_be_read_wrongly_is_refused(tmp_path, file, changes, message):
    save_prior(tmp_path)
    _edit(tmp_path / file, **changes)
    with pytest.raises(AssetError, match=message):
        loaded(f"ddrm[prior={tmp_path}]")


def test_images_of_another_size_are_skipped(tmp_path):
    save_prior(tmp_path)
    method, category = build(f"ddrm[prior={tmp_path}]"), Category("c", None)
    assert method.supports((4, 4), (32, 32), 8, category) is None
    assert "makes images of 32x32, this one is 64x64" in method.supports((8, 8), (64, 64), 8, category)
    assert build("ddrm").supports((16, 16), (256, 256), 16, category) is None


def test_a_prior_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"unknown prior of ddrm 'ddpm-cat': .* did you mean ddpm-cat-256"):
        build("ddrm[prior=ddpm-cat]").assets()
    with pytest.raises(AssetError, match=r"configuration .*config\.json of a prior cannot be read"):
        build(f"ddrm[prior={tmp_path}]").assets()


@pytest.mark.parametrize("method", ["ddrm", "mganprior[bank=pggan-celebahq]", "dgp[bank=pggan-celebahq]"])
def test_a_prior_that_saw_celebahq_is_marked_on_its_cards(method):
    cards = read_cards()
    assert [cards[name].data_set for name in ("celebahq", "celebahq256")] == 2 * [*build(method).trained_on]


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Train a prior by the script for three steps, of which each is saved."""
    for name, value in {"POOL": 2, "BATCH": 2, "SAVE_EVERY": 1}.items():
        monkeypatch.setattr(train_small_prior, name, value)

    def train(out):
        monkeypatch.setattr("sys.argv", ["train_small_prior", "--out", str(tmp_path / out), "--steps", "3"])
        train_small_prior.main()
        return tmp_path / out

    return train


def test_the_script_trains_a_prior_that_ddrm_reads(train):
    inputs = Batch(torch.rand(1, 3, 8, 8), 8, ("a",), (0,), Category("c", None))
    assert loaded(f"ddrm[prior={train('faces')},steps=2]").restore(inputs).sr.shape == (1, 3, 64, 64)


def test_a_training_of_the_script_goes_on_where_it_was_stopped(train, monkeypatch):
    whole = train("whole")
    save = train_small_prior.write_atomically

    def save_and_stop(path, content):
        save(path, content)
        raise KeyboardInterrupt

    monkeypatch.setattr(train_small_prior, "write_atomically", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train("parts")
    monkeypatch.setattr(train_small_prior, "write_atomically", save)
    weights = [load_file(out / "unet" / "diffusion_pytorch_model.safetensors") for out in (whole, train("parts"))]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
