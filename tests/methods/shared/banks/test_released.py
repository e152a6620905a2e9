"""Banks of other projects' releases: files in their exact layouts make what the releases' networks make."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.base.errors import AssetError, MethodError, UsageError
from bench.base.seeds import Domain
from bench.base.types import Batch, Category
from bench.images.degradation import resize_tensor
from bench.registry.methods import build
from methods.dgp.features import DiscriminatorFeatures
from methods.shared import banks
from methods.shared.banks import released, stylegan2_files
from tests.methods.common import loaded
from tests.methods.inverting import target
from tests.methods.shared.banks import released_peer as peer


def saved(path, content):
    torch.save(content, path)
    return path


def loaded_bank(path, family):
    return banks.load(f"{family}:{path}")


@pytest.fixture
def pggan(tmp_path):
    state = peer.pggan()
    return state, loaded_bank(saved(tmp_path / "pggan.pth", state), "pggan")


@pytest.fixture
def pulse(tmp_path):
    synthesis, mapping = peer.pulse()
    saved(tmp_path / "mapping.pt", mapping)
    return synthesis, mapping, loaded_bank(saved(tmp_path / "synthesis.pt", synthesis), "stylegan1")


@pytest.fixture
def idinvert(tmp_path):
    state = peer.idinvert()
    return state, loaded_bank(saved(tmp_path / "styleganinv.pth", state), "stylegan1")


@pytest.fixture
def biggan(tmp_path):
    state, judge = peer.biggan(), peer.biggan_judge()
    saved(tmp_path / "D_16.pth", judge)
    return state, judge, loaded_bank(saved(tmp_path / "G_ema_16.pth", state), "biggan")


def test_pggan(pggan):
    state, bank = pggan
    z = torch.randn(2, 12, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(bank.synthesise(z).image, peer.run_pggan(state, z), rtol=1e-4, atol=1e-4)
    assert (bank.channels, bank.latents, bank.resolution) == ({4: 12, 8: 10, 16: 8}, (1, 12), 16)
    assert bank.map(z) is z
    assert bank.sample([3], Domain.VALIDATION, 0.5).shape == (1, 12)


def test_pulses_stylegan(pulse):
    synthesis, mapping, bank = pulse
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    layers = [(mapping[f"dense{i}.weight"], mapping[f"dense{i}.bias"]) for i in range(2)]
    w = bank.map(z)
    torch.testing.assert_close(w, peer.mapped(z, layers), rtol=1e-4, atol=1e-5)
    noise = [torch.randn(1, 1, *size) for size in bank.noise_shapes()]
    slots = torch.randn(2, *bank.latents)
    made = bank.synthesise(slots, noise=noise).image
    torch.testing.assert_close(made, peer.run_pulse(synthesis, slots, noise), rtol=1e-3, atol=1e-3)
    assert made.shape == (2, 3, 128, 128)
    samples = bank.sample(range(512), Domain.FITTING)
    assert (samples.mean(0) - bank.mean_latent).abs().mean() < 0.3 * samples.std(0).mean()
    assert bank.layers[0].noise.abs().max() > 0
    assert bank.synthesise(w).image.equal(bank.synthesise(w).image)


def test_in_domain_inversions_stylegan(idinvert):
    state, bank = idinvert
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    layers = [(state[f"mapping.dense{i}.fc.weight"], state[f"mapping.dense{i}.wscale.bias"]) for i in range(2)]
    w = bank.map(z)
    torch.testing.assert_close(w, peer.mapped(z, layers).view(2, 12, 8), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(bank.synthesise(w).image, peer.run_idinvert(state, w), rtol=1e-3, atol=1e-3)
    assert bank.mean_latent.equal(state["truncation.w_avg"])
    mean = bank.sample([0], Domain.VALIDATION, 0.0)
    torch.testing.assert_close(mean[0], bank.mean_latent.expand(12, 8))


def test_mganpriors_stylegan_has_the_keys_of_in_domain_inversions_and_no_tanh(tmp_path):
    state = peer.idinvert(shared=True)
    bank = loaded_bank(saved(tmp_path / "stylegan.pth", state), "stylegan1")
    w = torch.randn(2, *bank.latents, generator=torch.Generator().manual_seed(1))
    made = bank.synthesise(w).image
    torch.testing.assert_close(made, peer.run_idinvert(state, w, bounded=False), rtol=1e-3, atol=1e-3)
    assert made.abs().max() > 1
    assert bank.map(torch.randn(2, 8)).shape == (2, 8)


def test_biggan_and_its_discriminator(biggan):
    state, judge, bank = biggan
    z, label = torch.randn(2, 9, generator=torch.Generator().manual_seed(1)), torch.tensor([3, 6])
    made = bank.synthesise(z, label=label).image
    torch.testing.assert_close(made, peer.run_biggan(state, z, label), rtol=1e-4, atol=1e-4)
    assert (bank.channels, bank.latents, bank.classes) == ({4: 16, 8: 16, 16: 8}, (1, 9), 7)
    image = torch.rand(2, 3, 16, 16)
    logits, seen = peer.run_biggan_judge(judge, 2 * image - 1)
    torch.testing.assert_close(bank.discriminator(2 * image - 1), logits, rtol=1e-4, atol=1e-3)
    found = DiscriminatorFeatures(bank.discriminator, 16)(image)
    assert len(found) == len(seen) == 5  # three blocks, an attention and the pooled vector
    for one, other in zip(found, seen, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)
    with pytest.raises(MethodError, match="needs a class: got no label, expected one of 7 an image"):
        bank.synthesise(z)


def test_every_bank_stops_resumes_is_fused_and_has_groups(pggan, pulse, idinvert, biggan):
    for bank in (pggan[-1], pulse[-1], idinvert[-1], biggan[-1]):
        label = torch.tensor([1]) if bank.name == "biggan" else None
        latents = bank.sample([1], Domain.VALIDATION)
        whole = bank.synthesise(latents, label=label)
        assert {r: x.shape[1] for r, x in whole.features.items()} == bank.channels
        short = bank.synthesise(latents, stop_at=8, label=label)
        assert short.image is None
        assert list(short.features) == [4, 8]
        again = bank.synthesise(latents, start=(8, short.features[8]), label=label)
        torch.testing.assert_close(again.image, whole.image)
        seen = []
        bank.synthesise(latents, feature_hook=lambda r, x, seen=seen: seen.append(r) or x, label=label)
        assert seen == list(bank.channels)
        with pytest.raises(MethodError, match="cannot stop there: got 5"):
            bank.synthesise(latents, stop_at=5, label=label)
        grouped = [id(value) for group in bank.groups() for value in group]
        tops = (
            (*OUTSIDE, "norm", "to_image") if bank.name == "biggan" else OUTSIDE
        )  # DGP never tunes its last layer
        outside = {id(value) for name, value in bank.named_parameters() if name.split(".")[0] in tops}
        assert len(grouped) == len(set(grouped))
        assert set(grouped) == {id(value) for value in bank.parameters()} - outside
        assert not any(value.requires_grad for value in bank.parameters())
        assert bank.digest


OUTSIDE = ("mapping", "shared", "discriminator")


@pytest.mark.parametrize(
    ("family", "change", "says"),
    [
        ("pggan", {"layer1.wscale.bias": None}, "incomplete: got no layer1.wscale.bias"),
        ("pggan", {"lod": torch.tensor(2.0)}, "still growing"),
        ("pggan", {"layer9.conv.weight": torch.zeros(1)}, "unknown key layer9.conv.weight"),
        ("pggan", {"layer0.conv.weight": None}, "holds no PGGAN"),
        ("pggan", {"layer1.conv.weight": torch.zeros(12, 5, 3, 3)}, r"convs\.1\.weight \(12, 5, 3, 3\)"),
        ("biggan", {"linear.weight": torch.full((256, 3), torch.nan)}, "not finite: linear"),
        ("biggan", {"blocks.0.0.conv2.weight": None}, r"incomplete: got no blocks\.0\.0\.conv2\.weight"),
    ],
)
def test_a_file_that_is_another_one_is_refused(tmp_path, family, change, says):
    state = {"pggan": peer.pggan, "biggan": peer.biggan}[family]() | change
    path = saved(tmp_path / "bank.pth", {key: value for key, value in state.items() if value is not None})
    with pytest.raises(AssetError, match=says):
        loaded_bank(path, family)


def test_half_a_stylegan_and_an_unknown_bank_are_refused(tmp_path):
    with pytest.raises(AssetError, match=r"mapping\.pt is not there"):
        loaded_bank(saved(tmp_path / "synthesis.pt", peer.pulse()[0]), "stylegan1")
    with pytest.raises(UsageError, match="did you mean pggan-cat"):
        banks.assets("pggan-cats")


def test_every_released_bank_says_where_its_files_are(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    assert set(released.RELEASED) <= set(banks.NAMES)
    for name, bank in released.RELEASED.items():
        assert banks.assets(name) == bank.files
        with pytest.raises(AssetError, match=r"by hand only; get it from https://.*, and put it at "):
            banks.load(name)
    assert len(banks.assets("biggan-256")) == len(banks.assets("stylegan1-ffhq")) == 2


def test_what_is_known_of_a_bank_is_what_its_file_is_called():
    for name, bank in released.RELEASED.items():
        size = re.search(r"[a-zA-Z_](\d{3,4})[_.]", Path(bank.files[0].name).name)
        assert banks.metadata(name).resolution == (
            int(size[1]) if size else 1024
        )  # PULSE's is not called after it
        assert banks.metadata(name).classes == (1000 if bank.family == "biggan" else 0)
        assert bank.kind == banks.metadata(name).kind
    for name, bank in stylegan2_files.RELEASED.items():
        assert bank.kind == banks.metadata(name).kind is not None
    assert {name for name in banks.NAMES if banks.metadata(name).resolution is None} == set()
    assert banks.metadata("mine.pth") == (None, None, 0, 0, False, None)
    assert banks.metadata("biggan:mine.pth").classes is None


def test_what_is_known_of_a_bank_is_known_without_torch():
    code = "import sys; from methods.shared import banks; print(banks.metadata('pggan-cat').resolution, 'torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "256 False\n"


@pytest.mark.parametrize("method", ["dgp", "mganprior", "pulse"])
def test_a_bank_of_another_kind_or_size_is_refused_before_it_is_read(method):
    cats, faces = Category("c", "cats"), Category("f", "faces")
    celeba, cat = build(f"{method}[bank=pggan-celebahq]"), build(f"{method}[bank=pggan-cat]")
    assert "makes faces, this category shows cats" in celeba.supports((64, 64), (1024, 1024), 16, cats)
    assert "makes 256 pixels, not 1024" in cat.supports((64, 64), (1024, 1024), 16, cats)
    assert "makes cats, this category shows faces" in cat.supports((16, 16), (256, 256), 16, faces)
    assert (celeba.kind, cat.kind) == ("faces", "cats")


@pytest.mark.parametrize("method", ["dgp", "mganprior", "pulse"])
def test_a_class_is_asked_of_banks_that_have_classes_and_of_no_other(method):
    anything, sizes = Category("c", None), ((16, 16), (256, 256), 16)
    for bank, label, says in (
        ("biggan-256", -1, "needs a class of its own, such as label=0"),
        ("biggan-256", 1000, "the classes 0 to 999, not label=1000"),
        ("biggan-256", 999, None),
        ("biggan:mine.pth", -1, "needs a class"),
        ("biggan:mine.pth", 1000, None),
        ("pggan-cat", 0, "has no classes, so it cannot take label=0"),
        ("pggan-cat", -1, None),
    ):
        how = "search=full," if method == "pulse" else ""
        told = build(f"{method}[{how}bank={bank},label={label}]").supports(*sizes, anything)
        assert told is None if says is None else says in told


def test_searches_run_on_a_bank_with_classes(biggan, tmp_path, light):
    bank = biggan[-1]
    image = bank.synthesise(bank.sample([5], Domain.VALIDATION), label=torch.tensor([4])).image
    given = Batch(resize_tensor((image + 1) / 2, 4, 4).clamp(0, 1), 4, ("a",), (1,), Category("c", None))
    named = f"bank=biggan:{tmp_path / 'G_ema_16.pth'}"
    searches = ("mganprior[codes=4,layer=8,steps=40", "dgp[steps=30", "pulse[search=full,eps=0,steps=20")
    for text in (f"{search},{named}" for search in searches):
        right, other = (loaded(f"{text},label={label}]").restore(given) for label in (4, 2))
        assert right.values[0]["objective"] < right.values[0]["objective_first"]
        assert not right.sr.equal(other.sr)
        with pytest.raises(MethodError, match="no such class: got 7, expected 0 to 6"):
            loaded(f"{text},label=7]").restore(given)


def test_searches_run_on_a_released_bank(pggan, tmp_path, light):
    path = f"pggan:{tmp_path / 'pggan.pth'}"
    given = target(path, seeds=(1,), side=4)
    done = loaded(f"mganprior[bank={path},codes=4,layer=8,steps=40]").restore(given)
    assert done.values[0]["objective"] <= 0.5 * done.values[0]["objective_first"]
    for text in ("dgp[steps=30", "pulse[search=full,steps=30"):
        done = loaded(f"{text},bank={path}]").restore(given)
        assert done.values[0]["objective"] < done.values[0]["objective_first"]


def test_a_discriminator_takes_the_perceptual_networks_place(biggan, tmp_path, light):
    """A bank that certainly has one needs no such network, and no metric is marked; the record says which it was."""
    certain, open_to_both = build("dgp[bank=biggan-256,label=0]"), build("dgp[bank=pggan-cat]")
    assert (certain.training_metrics, open_to_both.training_metrics) == ((), ("lite0",))
    assert len(certain.assets()) == 2
    assert len(open_to_both.assets()) > 1
    given = Batch(torch.full((1, 3, 4, 4), 0.5), 4, ("a",), (1,), Category("c", None))
    [values] = loaded(f"dgp[bank=biggan:{tmp_path / 'G_ema_16.pth'},label=1,steps=2]").restore(given).values
    assert values["by_discriminator"] == float(biggan[-1].discriminator is not None)
