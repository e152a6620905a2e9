"""folder: both layouts, and everything that can be missing, extra, ambiguous or wrong."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import Cell
from bench.base.errors import MethodError, UsageError
from bench.base.filenames import safe_filename
from bench.registry.methods import create
from tests.conftest import photo
from tests.methods.common import batch, loaded, restored

HEIGHT, WIDTH = 8 * 16, 12 * 16


def _save(path: Path, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = photo(seed, height, width)
    Image.fromarray(image).save(path)
    return image


def _pixels(sr: torch.Tensor) -> np.ndarray:
    return (sr * 255).round().byte().permute(0, 2, 3, 1).numpy()


def test_a_tree_of_factors_and_categories(tmp_path):
    a, b = _save(tmp_path / "x16/cats & dogs/a 1.png", 1), _save(tmp_path / "x16/cats & dogs/b.png", 2)
    _save(tmp_path / "x16/other/a 1.png", 3)
    _save(tmp_path / "x32/cats & dogs/a 1.png", 4, HEIGHT * 2, WIDTH * 2)
    sr = restored(f"folder:{tmp_path}", batch(16, names=("b", "a 1"), category="cats & dogs"))
    np.testing.assert_array_equal(_pixels(sr), np.stack([b, a]))


def test_a_flat_folder(tmp_path):
    image = _save(tmp_path / "ünï.png")
    _save(tmp_path / "elsewhere/ünï.png", 9)
    sr = restored(f"folder:{tmp_path}", batch(16, names=("ünï",)))
    np.testing.assert_array_equal(_pixels(sr)[0], image)


def test_title_and_label(tmp_path):
    _save(tmp_path / "theirs/a.png")
    selected = create(f"mine=folder:{tmp_path / 'theirs'}")
    assert selected.label == "mine"
    assert selected.method.title == "theirs"


def test_a_missing_image_is_one_clear_error(tmp_path):
    _save(tmp_path / "x16/c/b.png")
    with pytest.raises(MethodError, match=r"there is no image for c/a x16: expected .*/x16/c/a\.png"):
        restored(f"folder:{tmp_path}", batch(16))


def test_a_missing_factor_or_category_is_not_supported(tmp_path):
    _save(tmp_path / "x16/c/a.png")
    method = create(f"folder:{tmp_path}").method
    size, hr = (8, 12), (HEIGHT, WIDTH)
    assert method.supports(size, hr, 16, batch(16).category) is None
    assert method.supports(size, hr, 32, batch(32).category) == f"there is no image in {tmp_path / 'x32/c'}"
    assert "x16/d" in method.supports(size, hr, 16, batch(16, category="d").category)


def test_two_images_of_one_name_are_refused(tmp_path):
    _save(tmp_path / "a.png")
    _save(tmp_path / "a.jpg")
    with pytest.raises(MethodError, match=r"are called a: got a\.jpg and a\.png, expected one"):
        restored(f"folder:{tmp_path}", batch(16))


def test_a_wrong_size_is_refused(tmp_path):
    _save(tmp_path / "a.png", height=100)
    with pytest.raises(MethodError, match=r"a\.png has the wrong size: got 192x100, expected 192x128"):
        restored(f"folder:{tmp_path}", batch(16))


def test_an_unreadable_image_costs_its_own_cell(tmp_path):
    _save(tmp_path / "good.png")
    (tmp_path / "a.png").write_text("not an image")
    method = loaded(f"folder:{tmp_path}")
    with pytest.raises(MethodError, match=r"a\.png is not an image"):
        method.restore(batch(16))
    assert method.restore(batch(16, names=("good",))).sr.shape == (1, 3, HEIGHT, WIDTH)


def test_what_is_missing_extra_or_shared_is_told(tmp_path):
    for name in ("x16/c/a.png", "x16/c/extra.png", "x64/c/a.png"):
        _save(tmp_path / name, height=16, width=16)
    method = create(f"folder:{tmp_path}").method
    warnings = method.unmatched_warnings([Cell("c", 16, "a"), Cell("c", 16, "b")])
    assert warnings == [
        "no file for 1 of 2 images: c/b x16",
        "2 of 3 files pair with no image of this run: x16/c/extra.png, x64/c/a.png",
    ]
    assert method.unmatched_warnings([Cell("c", 16, "a"), Cell("c", 16, "extra"), Cell("c", 64, "a")]) == []


@pytest.mark.parametrize(
    ("file", "image"),
    [
        ("a#1 [b].png", safe_filename("a#1 [b]")),
        (f"{safe_filename('100%')}.webp", safe_filename("100%")),
        (unicodedata.normalize("NFD", "é.png"), "é"),
        ("cat/0001.png", safe_filename("cat/0001")),
    ],
)
def test_plain_and_encoded_names_pair(tmp_path, file, image):
    _save(tmp_path / file)
    assert create(f"folder:{tmp_path}").method.unmatched_warnings([Cell("c", 16, image)]) == []


def test_names_of_other_programs_pair_by_a_template_that_the_message_proposes(tmp_path):
    images = [_save(tmp_path / f"x16/c/{name}_out.png", seed) for seed, name in enumerate("ab")]
    _save(tmp_path / "x16/c/a_out.jpg", 9)
    cells = [Cell("c", 16, name) for name in "ab"]
    (missing, _) = create(f"folder:{tmp_path}").method.unmatched_warnings(cells)
    proposal = f"folder:{tmp_path}[name={{stem}}_out.png]"
    assert missing.endswith(f"give {proposal}")
    np.testing.assert_array_equal(_pixels(restored(proposal, batch(16, names=("a", "b")))), np.stack(images))


@pytest.mark.parametrize("name", ["out.png", "x/{stem}.png", "{stem}{stem}"])
def test_a_template_must_name_one_file(tmp_path, name):
    with pytest.raises(UsageError, match=r"such as \{stem\}_out\.png"):
        create(f"folder:{tmp_path}[name={name}]")


def test_a_flat_folder_cannot_stand_for_two_factors(tmp_path):
    _save(tmp_path / "a.png")
    (warning,) = create(f"folder:{tmp_path}").method.unmatched_warnings([Cell("c", 16, "a"), Cell("c", 32, "a")])
    assert warning.startswith(f"{tmp_path / 'a.png'} stands for several results (c x16, c x32)")


def test_a_changed_image_is_another_method(tmp_path):
    _save(tmp_path / "x16/c/a.png", 1)
    before = create(f"folder:{tmp_path}").identity
    assert create(f"folder:{tmp_path}").identity == before
    _save(tmp_path / "x16/c/a.png", 2)
    changed = create(f"folder:{tmp_path}").identity
    _save(tmp_path / "x16/c/b.png", 2)
    assert len({before, changed, create(f"folder:{tmp_path}").identity}) == 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (None, "there is no folder"),
        ("empty", "there is no image in"),
    ],
)
def test_an_unusable_folder_is_refused_at_once(tmp_path, make, words):
    if make:
        (tmp_path / "results").mkdir()
    with pytest.raises(UsageError, match=words):
        create(f"folder:{tmp_path / 'results'}")


def test_the_folder_must_be_named():
    with pytest.raises(UsageError, match="folder needs a folder of images: expected folder:PATH"):
        create("folder")
