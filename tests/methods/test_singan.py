"""singan: its losses in float64, its pyramid, and a training on a small image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bench.base.types import Category
from bench.registry.methods import create
from bench.store.results import Run
from methods.singan import network, pyramid, scaling
from reports.report import report
from tests.commands import bench
from tests.methods.common import loaded, photo_batch


def test_the_losses_equal_a_computation_in_float64():
    """The critic is quadratic: its slope is known, and another one at every point between the images."""
    rng = np.random.default_rng(6)
    real, fake, weights = (rng.standard_normal((1, 3, 4, 4)) for _ in range(3))

    def critic(image):
        return (image**2 * torch.from_numpy(weights).float()).sum(1, keepdim=True)

    def scores(image):
        return (image**2 * weights).sum(1)

    slope = np.sqrt(((2 * weights * (0.3 * real + 0.7 * fake)) ** 2).sum(1))
    wanted = scores(fake).mean() - scores(real).mean() + 0.1 * ((slope - 1) ** 2).mean()
    given = [torch.from_numpy(image).float() for image in (real, fake)]
    got = network.critic_loss(critic, *given, torch.tensor(0.3))
    assert got.item() == pytest.approx(wanted, rel=1e-5)
    wanted = 100 * ((real - fake) ** 2).mean() - scores(fake).mean()
    assert network.generator_loss(critic(given[1]), given[1], given[0]).item() == pytest.approx(wanted, rel=1e-5)


def test_the_penalty_reaches_the_critics_weights():
    critic = network.Critic(4)
    network.initialise(critic, torch.Generator().manual_seed(0))
    image = torch.rand(1, 3, 13, 13)
    network.critic_loss(critic, image, image, torch.tensor(0.5)).backward()
    assert critic.body[0][0].weight.grad.abs().max() > 0  # real and fake cancel: what is left is the penalty


@pytest.mark.parametrize(
    ("side", "wanted"),
    [(64, [18, 23, 28, 34, 42, 52, 64]), (32, [18, 22, 27, 32]), (22, [18, 22]), (16, [13, 16]), (14, [12, 14])],
)
def test_the_pyramid_at_every_size(side, wanted):
    """The published ones above 21 pixels: the ratio refitted to the coarsest side, sizes rounded up."""
    assert pyramid.sizes(side, side) == [(one, one) for one in wanted]
    ratio = (side / wanted[0]) ** (1 / (len(wanted) - 1))
    assert ratio < 2 ** (1 / 3)
    assert all(one - 1 < wanted[0] * ratio**step < one + 1e-6 for step, one in enumerate(wanted))


def test_the_pyramid_follows_the_shorter_side():
    assert pyramid.sizes(32, 48) == [(18, 27), (22, 33), (27, 40), (32, 48)]


def test_the_published_number_of_enlargements():
    for factor, wanted in ((4, 6), (16, 12), (32, 15), (64, 18)):
        assert scaling.steps(factor) == wanted == round(math.log(1 / factor) / math.log(2 ** (-1 / 3)))


def test_a_generator_keeps_the_size_and_begins_near_what_it_is_given():
    generator = network.Generator(8)
    network.initialise(generator, torch.Generator().manual_seed(0))
    image = torch.rand(1, 3, 7, 9)
    made = generator(torch.zeros_like(image), image)
    assert made.shape == image.shape
    assert 0 < (made - image).abs().max() < 1


def test_training_rebuilds_the_image_and_repeats_bit_for_bit():
    given = photo_batch(4, 16, 16)
    one, more, again = (loaded(f"singan[steps={steps}]").restore(given) for steps in (1, 8, 8))
    assert more.sr.equal(again.sr)
    assert more.sr.shape == (1, 3, 64, 64)
    assert more.values[0]["scales"] == 2
    assert more.values[0]["rebuilt_mse"] < 0.8 * one.values[0]["rebuilt_mse"]


def test_the_finest_scale_begins_from_what_the_coarser_ones_rebuild():
    image = photo_batch(4, 16, 16).lr * 2 - 1
    fitted = pyramid.fit(image, torch.Generator().manual_seed(3), pyramid.configure("fast", 3))
    first, second = fitted.levels
    assert (first.size, second.size, first.amplitude) == ((13, 13), (16, 16), 1.0)
    below = first.generator(fitted.anchor, torch.zeros_like(fitted.anchor))
    enlarged = pyramid.resized(below, (16, 16))
    rebuilt = pyramid.coarser(pyramid.Fitted([first], fitted.anchor), (16, 16), None)
    torch.testing.assert_close(rebuilt, enlarged)
    assert second.amplitude == pytest.approx(0.1 * (enlarged - image).square().mean().sqrt().item(), rel=1e-4)
    finest = second.generator(torch.zeros_like(image), enlarged)
    assert fitted.error == pytest.approx((finest - image).square().mean().item(), rel=1e-4)


def test_a_trained_scale_runs_with_its_running_statistics():
    """Normalised by the picture at hand instead, a patch would change with what lies far from it."""
    image = photo_batch(4, 16, 16).lr * 2 - 1
    level = pyramid.fit(image, torch.Generator().manual_seed(3), pyramid.configure("fast", 3)).levels[-1]
    tall = torch.cat([image, torch.flip(-image, (2,))], 2)
    made = [level.generator(torch.zeros_like(given), given) for given in (image, tall)]
    torch.testing.assert_close(made[0][..., :11, :], made[1][..., :11, :])
    assert not made[0][..., 11:, :].allclose(made[1][..., 11:16, :])  # five pixels from the seam


def test_the_noise_of_the_coarsest_scale_is_alike_in_every_channel():
    image = photo_batch(4, 16, 16).lr
    random = torch.Generator().manual_seed(0)
    alike, apart = (pyramid.noise(image, random, coarsest=coarsest) for coarsest in (True, False))
    assert alike.shape == apart.shape == image.shape
    assert alike.std(1).max() == 0 < apart.std(1).min()


def test_a_scale_that_diverges_keeps_its_best_weights_says_so_and_spares_the_next(monkeypatch):
    whole, errors = pyramid.generator_loss, []
    for broken in (range(10, 11), range(10, 99)):  # in the coarsest scale's fourth iteration; and from there on
        calls = iter(range(99))
        monkeypatch.setattr(
            pyramid, "generator_loss", lambda *a, c=calls, b=broken: whole(*a) * (torch.nan if next(c) in b else 1)
        )
        done = loaded("singan[steps=8]").restore(photo_batch(4, 16, 16))
        assert done.values[0]["diverged"] == 1
        assert done.sr.isfinite().all()
        errors.append(done.values[0]["rebuilt_mse"])
    assert errors[0] < 0.9 * errors[1]


def test_what_it_supports():
    method, category = create("singan").method, Category("c", None)
    assert method.supports((16, 16), (1024, 1024), 64, category) is None
    assert "needs an LR of 14 pixels, this one is 16x8" in method.supports((8, 16), (512, 1024), 64, category)
    assert pyramid.configure("paper") == (2000, 2000, 32, True)
    assert create("singan").identity != create("singan[preset=paper]").identity


def test_an_lr_too_small_for_it_is_skipped_and_the_report_says_why(folder, tmp_path):
    given = ["--methods", "bicubic,singan", "--category", f"mine={folder}", "--factor", "16", "--images", "1"]
    done = bench("run", *given, "--metrics", "psnr", "--device", "cpu", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = Run(tmp_path / "run")
    said = run.frame.drop_duplicates("method").set_index("method")[["status", "reason"]]
    reason = "singan needs an LR of 14 pixels, this one is 4x4"
    assert said.loc["bicubic", "status"] == "done"
    assert tuple(said.loc["singan"]) == ("skipped", reason)
    page = report([run]).read_text(encoding="utf-8")
    assert f'<td class="text why"><bdi>{reason}</bdi></td>' in page
    assert f'"skipped: {reason}"' in page


class Shifting(torch.nn.Module):
    """Adds a colour, and the noise that it is given."""

    def forward(self, noise, image):
        return image + noise + torch.tensor([0.3, -0.2, 0.1])[None, :, None, None]


class Still(torch.nn.Module):
    """Adds nothing."""

    def forward(self, noise, image):
        return image


def test_a_generator_that_shifts_the_colours_does_not_shift_them_step_by_step():
    image, level = photo_batch(4, 16, 16).lr, pyramid.Level(Shifting(), 0.0, (16, 16))
    made = scaling.enlarge(level, 2 * image - 1, 16, torch.Generator().manual_seed(0))
    assert made.shape == (1, 3, 256, 256)
    downsampled = pyramid.resize_tensor(made, 16, 16)
    assert (downsampled - image).abs().mean() < 0.02


@pytest.mark.parametrize("published", [True, False])
def test_what_lies_at_a_place_stays_there(published):
    """A ramp is enlarged to a ramp; the published sizes are rounded up (16 pixels become 66) and cropped."""
    ramp = torch.linspace(-0.9, 0.9, 16).expand(1, 3, 16, 16)
    level = pyramid.Level(Still(), 0.0, (16, 16))
    made = scaling.enlarge(level, ramp, 4, torch.Generator().manual_seed(0), published=published)
    assert made.shape == (1, 3, 64, 64)
    places = (torch.arange(64) + 0.5) / 4 - 0.5
    wanted = (-0.9 + 1.8 * places / 15 + 1) / 2
    torch.testing.assert_close(made[0, 0, 32, 16:48], wanted[16:48], atol=2e-3, rtol=0)


def test_published_biases_begin_as_pytorchs():
    for biased, least in ((True, 0.9), (False, 0.0)):
        critic = network.Critic(16)
        network.initialise(critic, torch.Generator().manual_seed(0), biased=biased)
        bound = critic.last.in_channels * 9
        largest = max(block[0].bias.abs().max() * bound**0.5 for block in critic.body[1:])
        assert least <= largest <= 1.0 * biased


def test_every_enlargement_has_the_noise_of_the_finest_scale():
    grey, drawn = torch.zeros(1, 3, 16, 16), []
    for amplitude in (0.0, 0.01):
        level = pyramid.Level(Shifting(), amplitude, (16, 16))
        drawn.append(scaling.enlarge(level, grey, 4, torch.Generator().manual_seed(0)))
    assert 0.01 / 2 * 0.9 < (drawn[1] - drawn[0]).std() < 0.01 / 2 * 6  # six steps, halved by the range
