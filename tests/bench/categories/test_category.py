"""Categories as a command names them: cards, paths, lists, options, and what is wrong with the others."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from bench.base.errors import ImageError, UsageError
from bench.base.filenames import safe_filename
from bench.categories.category import find_category
from bench.images.degradation import resize
from tests.conftest import write_photos


def picture(seed: int, height: int = 8, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(seed: int, height: int = 8, width: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(seed, height, width)).save(buffer, "PNG")
    return buffer.getvalue()


def fill(path: Path, *names: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        (path / f"{name}.png").write_bytes(png(seed))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("kind", ["folder", "zip", "lmdb"])
def test_any_path_is_a_category(tmp_path, kind):
    path = tmp_path / "mine"
    if kind == "folder":
        fill(path, "b", "a")
    elif kind == "zip":
        path = tmp_path / "mine.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("b.png", png(0))
            archive.writestr("a.png", png(1))
    else:
        with lmdb.open(str(path)) as database, database.begin(write=True) as transaction:
            transaction.put(b"b", png(0))
            transaction.put(b"a", png(1))
    found = find_category(f"portraits={path}")
    assert (found.name, found.card.kind, found.has_hr) == ("portraits", None, True)
    assert found.list() == ["a", "b"]
    assert found.list(1) == ["a"]
    assert found.card.prepare == "mod-crop:64"
    np.testing.assert_array_equal(found.read_original("a"), picture(1))
    assert found.expected_digest("a") is None


def test_options_change_preparation_kind_and_meaning(tmp_path):
    path = fill(tmp_path / "mine", "a")
    found = find_category(f"p={path}[prepare=squash:4,kind=faces,lr_only=true]")
    assert (found.card.kind, found.has_hr) == ("faces", False)
    np.testing.assert_array_equal(found.read("a"), resize(picture(0), 4, 4))


def test_the_home_folder_can_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(tmp_path / "photos dir", "a")
    assert find_category("p=~/photos dir").list() == ["a"]


def test_an_image_too_small_to_prepare_names_itself(tmp_path):
    path = fill(tmp_path / "mine", "tiny")
    with pytest.raises(ImageError, match="image tiny is too small for its category"):
        find_category(f"p={path}[prepare=centre-crop:16]").read("tiny")


def test_a_place_and_a_content_are_known_whatever_they_are_called(tmp_path):
    first, second = fill(tmp_path / "one", "a", "b"), fill(tmp_path / "two", "a", "b", "c")
    one, other = find_category(f"p={first}"), find_category(f"q={second}[kind=faces]")
    assert one.origin == find_category(f"q={first / '..' / 'one'}").origin != other.origin
    assert one.content("a") == other.content("a") != one.content("b")
    (second / "a.png").unlink()
    assert find_category(f"q={second}").positions == {"b": 0, "c": 1}


def test_a_cards_list_on_data_that_lie_elsewhere(tmp_path):
    names = [f"{n:05d}" for n in range(1, 101)]
    path = fill(tmp_path / "hq", *names, "00101", "00102")
    found = find_category(f"celebahq={path}")
    assert found.list() == names
    assert found.card.kind == "faces"
    np.testing.assert_array_equal(found.read("00007"), picture(6))


def test_a_card_finds_its_data_in_the_cache(cache):
    fill(cache / "datasets" / "celebahq", "00001", "00002")
    assert find_category("celebahq").list(2) == ["00001", "00002"]


def test_an_incomplete_list_names_what_is_missing(tmp_path):
    path = fill(tmp_path / "hq", "00001", "00002", "00004")
    assert find_category(f"celebahq={path}").list(2) == ["00001", "00002"]
    with pytest.raises(
        UsageError, match=r"celebahq lacks 2 of 5 images of its list: got no 00003, 00005; complete"
    ):
        find_category(f"celebahq={path}").list(5)


def test_an_lsun_card_takes_the_last_keys(tmp_path):
    with lmdb.open(str(tmp_path / "cat")) as database, database.begin(write=True) as transaction:
        for key in ("00aa", "eeff", "f000", "ffee"):
            transaction.put(key.encode(), png(int(key, 16), 30, 50))
    found = find_category(f"lsun-cat={tmp_path / 'cat'}")
    assert found.list() == ["f000", "ffee"]
    np.testing.assert_array_equal(found.read("f000"), resize(picture(0xF000, 30, 50), 256, 256))


def test_a_card_under_a_name_of_ones_own(cache):
    fill(cache / "datasets" / "celebahq", "00001")
    own = find_category("celeba4=celebahq[prepare=squash:4]")
    assert (own.name, own.read("00001").shape) == ("celeba4", (4, 4, 3))
    assert find_category("celebahq[prepare=squash:4]").name == "celebahq-prepare-squash-4"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("celebhq", r"unknown category 'celebhq': expected one of .*; did you mean celebahq"),
        ("p=/nowhere/at/all", "no images at /nowhere/at/all: got nothing there"),
        ("p=/nowhere/card.toml", "card /nowhere/card.toml cannot be read"),
        ("faces[prepair=none]", r"unknown option of category faces 'prepair'.*did you mean prepare"),
        ("faces[prepare=crop]", "unknown preparation: got 'crop', expected none, mod-crop:N"),
        ("faces[lr_only=maybe]", "lr_only"),
    ],
)
def test_wrong_use_is_one_sentence(text, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        find_category(text)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_called_as_a_card_is_not_taken_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "photos", "a")
    with pytest.raises(
        UsageError, match=r"'photos', a card and a folder here; write mine=\./photos for the folder"
    ):
        find_category("mine=photos")
    assert find_category("mine=./photos").list() == ["a"]
    assert len(find_category("photos").list()) > 1, "a name alone is the card's"


def test_a_path_without_a_name_is_told_to_get_one(tmp_path):
    with pytest.raises(UsageError, match="has no name; give it one: mine="):
        find_category(str(tmp_path))


def test_a_card_with_its_own_images_cannot_be_pointed_elsewhere(tmp_path):
    with pytest.raises(
        UsageError, match=r"category faces brings its own images: .*; give the folder another name"
    ):
        find_category(f"faces={fill(tmp_path / 'x', 'a')}")


def test_strange_names_work_end_to_end(tmp_path):
    names = ["two words", "it's", 'a "quote"', "<script>", "ünï-日本", "100%"]
    found = find_category(f"p={fill(tmp_path / 'x', *names)}")
    assert set(found.list()) == {safe_filename(name) for name in names}
    for seed, name in enumerate(names):
        np.testing.assert_array_equal(found.read_original(safe_filename(name)), picture(seed))


def test_a_key_that_points_outside_is_a_plain_file_name(tmp_path):
    with lmdb.open(str(tmp_path / "x")) as database, database.begin(write=True) as transaction:
        transaction.put(b"../../escape", png(5))
    found = find_category(f"p={tmp_path / 'x'}")
    assert found.list() == ["%2E.%2F..%2Fescape"]
    np.testing.assert_array_equal(found.read_original("%2E.%2F..%2Fescape"), picture(5))


def test_all_images_of_a_folder_but_four_of_what_is_sampled(tmp_path):
    found = find_category(f"mine={fill(tmp_path / 'mine', *map(str, range(9)))}")
    assert (len(found.list()), len(found.list(0)), len(found.list(3)), found.count()) == (9, 9, 3, 9)
    faces = find_category("faces")
    assert (len(faces.list()), len(faces.list(0)), faces.count()) == (4, 64, 64)


def test_lr_images_of_ones_own_are_not_cropped(tmp_path):
    path = fill(tmp_path / "mine", "a")
    np.testing.assert_array_equal(find_category(f"mine={path}[lr_only=true]").read("a"), picture(0))


def test_what_is_none_can_be_asked_for(tmp_path):
    """A folder is cropped unless another preparation is named, `none` among them."""
    path = write_photos(tmp_path / "photos")
    assert find_category(f"p={path}").card.prepare == "mod-crop:64"
    assert find_category(f"p={path}[prepare=none]").card.prepare == "none"
    with pytest.raises(UsageError, match="prepar"):
        find_category(f"p={path}[prepare=]")
