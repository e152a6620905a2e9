"""StyleGAN2 weight files: found by name and by path, and refused when they are not what they should be."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench.base.errors import AssetError, UsageError
from methods.shared import banks
from methods.shared.banks import stylegan2_files
from methods.shared.banks.stylegan2_files import RELEASED, source
from methods.shared.state_files import check_name
from tests.methods.shared.banks import stylegan2_peer as peer

SIZE, WIDTH = 32, 24


@pytest.fixture(scope="module")
def state():
    return peer.generator(SIZE, width=WIDTH).state_dict()


@pytest.fixture(scope="module")
def bank(state, tmp_path_factory):
    return loaded(tmp_path_factory.mktemp("bank") / "bank.pth", {"params_ema": state})


def loaded(path, content):
    torch.save(content, path)
    return source(path).load()


def broken(state, **changes):
    return {key: value for key, value in {**state, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"to_rgbs.1.bias": None}, r"1 missing: rgbs\.2\.bias"),
        ({"style_convs.2.modulated_conv.weight": None}, r"1 missing: convs\.3\.weight"),
        ({"noises.noise4": None}, r"1 missing: convs\.4\.noise"),
        ({"style_mlp.2.weight": None}, r"1 missing: mapping\.1\.weight"),
        ({"style_convs.2.extra.weight": torch.zeros(1)}, r"unknown key style_convs\.2\.extra\.weight"),
        (
            {"style_convs.2.modulated_conv.weight": torch.zeros(1, 32, 16, 3, 3)},
            r"convs\.3\.weight \(32, 16, 3, 3\)",
        ),
        ({"constant_input.weight": torch.full((1, 32, 4, 4), torch.nan)}, "not finite: constant"),
    ],
)
def test_a_gap_a_stranger_and_a_nan_are_refused_by_name(changes, named, state, tmp_path):
    with pytest.raises(AssetError, match=named):
        loaded(tmp_path / "b.pth", broken(state, **changes))


def test_another_filter_is_refused(state, tmp_path):
    content = peer.rosinality(state) | {"convs.0.conv.blur.kernel": torch.ones(4, 4)}
    with pytest.raises(AssetError, match=r"another filter: got convs\.0\.conv\.blur\.kernel"):
        loaded(tmp_path / "b.pt", content)


def test_another_network_is_refused(tmp_path):
    with pytest.raises(AssetError, match=r"b\.pt holds no StyleGAN2 generator"):
        loaded(tmp_path / "b.pt", {"conv_first.weight": torch.zeros(64, 3, 3, 3)})


class Code:
    def __reduce__(self):
        return Path.touch, (Path("/tmp/stylegan2-ran-code"),)


def test_unsafe_pickles_are_refused_and_not_run(tmp_path):
    (tmp_path / "ffhq.pkl").write_bytes(pickle.dumps({"G_ema": Code()}))
    torch.save({"g_ema": Code()}, tmp_path / "ffhq.pt")
    for name in ("ffhq.pkl", "ffhq.pt"):
        with pytest.raises(AssetError, match=r"code.*state_dict\(\)"):
            source(tmp_path / name).load()
    assert not Path("/tmp/stylegan2-ran-code").exists()


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_damaged_files_are_refused_by_name_and_size(suffix, state, tmp_path):
    whole = tmp_path / f"whole.{suffix}"
    save_file(dict(state), whole) if suffix == "safetensors" else torch.save(state, whole)
    for content in (whole.read_bytes()[:-5000], b"", b"<html>not found</html>"):
        path = tmp_path / f"bank.{suffix}"
        path.write_bytes(content)
        says = "cannot be read" if len(content) > 100 else "is no weight file: got an? (empty file|HTML page)"
        with pytest.raises(AssetError, match=rf"bank\.{suffix} \({len(content):,} bytes\) {says}"):
            source(path).load()


def test_a_file_that_is_not_there_and_a_name_that_nobody_has(tmp_path):
    with pytest.raises(AssetError, match="is not there"):
        source(tmp_path / "none.pth").load()
    with pytest.raises(UsageError, match="did you mean stylegan2-ffhq"):
        source("stylegan2-fhq")


def test_banks_are_found_by_name_and_by_path(bank, state, tmp_path):
    assert {"mobilestylegan", *RELEASED} <= set(banks.NAMES)
    assert banks.assets("stylegan2-car") == (RELEASED["stylegan2-car"].file,)
    path = tmp_path / "own.pth"
    torch.save(state, path)
    assert banks.assets(str(path)) == (path,)
    assert banks.load(str(path)).digest == bank.digest
    with pytest.raises(UsageError, match="did you mean stylegan2-car"):
        banks.load("stylegan-car")


def test_the_digits_of_a_released_name_are_checked(tmp_path):
    good, bad = tmp_path / "bank-ba7816bf.pth", tmp_path / "bank-00000000.pth"  # sha256("abc") = ba7816bf...
    for path in (good, bad):
        path.write_bytes(b"abc")
    check_name(good)
    with pytest.raises(AssetError, match=r"got sha256 ba7816bf, expected 00000000"):
        check_name(bad)


def test_a_released_file_that_is_not_what_its_name_says_is_refused(monkeypatch, tmp_path, state):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    path = RELEASED["stylegan2-ffhq"].file.path
    path.parent.mkdir(parents=True)
    torch.save({"g_ema": peer.rosinality(state)}, path)
    with pytest.raises(AssetError, match=r"is not the released one.*expected bce9310c"):
        source("stylegan2-ffhq").load()


def test_a_bank_of_bgr_images_makes_rgb(bank, state, tmp_path, monkeypatch):
    monkeypatch.setattr(stylegan2_files, "check_name", lambda path: None)
    theirs = peer.randomised(peer.Discriminator(SIZE))
    content = {"state_dict": {f"generator_ema.{key}": value for key, value in peer.mmagic(state).items()}}
    content["discriminator"] = peer.mmagic_discriminator(theirs.state_dict())
    path = tmp_path / Path(RELEASED["stylegan2-ffhq-256"].file.name).name
    swapped = loaded(path, content)
    torch.manual_seed(4)
    latents = torch.randn(2, WIDTH)
    image, made = bank.synthesise(latents).image, swapped.synthesise(latents).image
    torch.testing.assert_close(made, image.flip(1))
    torch.testing.assert_close(swapped.discriminator(made), theirs(image), rtol=1e-4, atol=1e-4)
    assert swapped.kind == "faces"
