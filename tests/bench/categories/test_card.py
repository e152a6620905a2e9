"""Cards: the suite's own, one of a user's, and those that cannot mean anything."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.base.errors import Unavailable, UsageError
from bench.categories.card import read_cards
from bench.categories.category import find_category
from bench.images.prepare import parse_preparation

ROOT = Path(__file__).parents[3]
CARDS = sorted(path.stem for path in (ROOT / "datasets").glob("*.toml"))
CARD = {"title": "T", "about": "A.", "licence": "L", "how_to_get": "Ask.", "source": "local"}


def fill(path: Path, *names: str, side: int = 8) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path / f"{name}.png")
    return path


def card(path: Path, *lines: str, **changes: str) -> Path:
    keys = [f'{key} = "{value}"' for key, value in (CARD | changes).items() if value]
    path.write_text("\n".join([*keys, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_every_category_of_the_suite_has_a_card():
    lsun = [f"lsun-{name}" for name in ("bedroom", "car", "cat", "church", "tower")]
    assert [
        "afhq-cat",
        "afhq-dog",
        "afhq-wild",
        "cat100",
        "celebahq",
        "celebahq256",
        "faces",
        "ffhq",
        *lsun,
        "photos",
    ] == CARDS
    assert sorted(read_cards()) == CARDS


@pytest.mark.parametrize("name", CARDS)
def test_a_card_says_all_that_a_reader_must_know(name):
    found = find_category(name)
    assert found.name == name
    assert found.card.kind
    assert found.has_hr
    for text in (found.card.title, found.card.about, found.card.licence, found.card.how_to_get):
        assert text == text.strip()
        assert "\n" not in text
    assert found.card.about.endswith(".")
    parse_preparation(found.card.prepare)


@pytest.mark.parametrize("name", sorted(set(CARDS) - {"faces", "photos"}))
def test_missing_data_say_how_to_get_them_and_where_to_put_them(name, cache):
    with pytest.raises(Unavailable) as caught:
        find_category(name).list(1)
    assert str(caught.value) == (
        f"no data of category {name} at {cache / 'datasets' / name}; "
        f"{find_category(name).card.how_to_get.rstrip('.')}; then put it there, or point at it with {name}=PATH"
    )


def test_lists_are_those_that_were_published():
    assert find_category("celebahq").card.held_out.choose(list) == [f"{n:05d}" for n in range(1, 101)]
    cats = find_category("cat100").card.held_out.choose(list)
    assert (len(cats), cats[0], cats[-1], cats == sorted(set(cats))) == (100, "00000800_007", "00000824_004", True)
    assert find_category("ffhq").card.held_out.choose(list)[0] == "69900"
    assert len(find_category("ffhq").card.held_out.choose(list)) == 100


def test_listing_imports_nothing_heavy():
    code = "import sys; from bench.categories.card import read_cards; read_cards(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"torch", "skimage", "lmdb", "datasets", "methods"} & set(done.stdout.split())


def test_photos_are_the_published_ones():
    photos = find_category("photos")
    for name in photos.list():
        pixels = photos.read(name)
        assert pixels.shape in {(512, 512, 3), (256, 256, 3)}
        head = f"{len(pixels)}x{len(pixels)}x3|".encode()
        assert photos.expected_digest(name) == hashlib.sha256(head + pixels.tobytes()).hexdigest()


def test_faces_are_64_and_half_of_them_published():
    faces = find_category("faces")
    assert faces.list(0) == [f"{n:04d}" for n in range(64)]
    assert [faces.expected_digest(name) is not None for name in faces.list(0)] == [True] * 32 + [False] * 32
    assert {asset.name.partition("/")[0] for asset in faces.assets()} == {"mobilestylegan"}


def test_a_card_has_no_expected_digest_for_another_preparation():
    assert find_category("photos").expected_digest("astronaut")
    assert find_category("photos[prepare=centre-crop:512/256]").expected_digest("astronaut")
    assert find_category("photos[prepare=centre-crop:128]").expected_digest("astronaut") is None


def test_a_card_of_ones_own(tmp_path):
    fill(tmp_path / "data", "x1", "x9", "x10", "x11", "x12")
    path = card(tmp_path / "mine.toml", "[settings]", 'path = "data"', "[held_out]", 'start = "x10"', "count = 2")
    assert find_category(f"mine={path}").list() == ["x10", "x11"]


def test_the_card_in_the_guide_works(tmp_path):
    guide = (ROOT / "datasets" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "birds.toml").write_text(guide.partition("```toml\n")[2].partition("```")[0])
    fill(tmp_path / "birds", "bird-007", "bird-080", "bird-090", "bird-100", side=600)
    birds = find_category(f"birds={tmp_path / 'birds.toml'}")
    assert birds.list() == ["bird-080", "bird-090", "bird-100"]
    assert birds.read("bird-090").shape == (512, 512, 3)


def test_the_guide_lists_every_card():
    guide = (ROOT / "datasets" / "README.md").read_text(encoding="utf-8")
    assert [name for name in CARDS if f"`{name}`" not in guide] == []


@pytest.mark.parametrize(
    ("lines", "changes", "sentence"),
    [
        (['licens = "x"'], {}, r"unknown key of card .* 'licens'.*did you mean licence"),
        ([], {"licence": ""}, "lacks the key 'licence': expected a text"),
        (["kind = 3"], {}, "kind of card .* has another type: got 3, expected a text"),
        (['lr_only = "yes"'], {}, "lr_only of card .* has another type: got 'yes', expected true or false"),
        (['held_out = "all"'], {}, "held_out of card .* has another type: got 'all', expected a table"),
        (["[held_out]", "count = true"], {}, "count of held_out of card .*: got True, expected a whole number"),
        (["[held_out]", "names = [1]"], {}, r"names of held_out of card .*: got \[1\], expected a list of texts"),
        (["[held_out]", 'nmes = ["a"]'], {}, "unknown key of held_out of card .* 'nmes'.*did you mean names"),
        (
            ["[held_out]", 'range = ["1"]'],
            {},
            "range of held_out of card .*expected the first and the last number",
        ),
        (["[settings]", 'pth = "x"'], {}, "unknown key of settings of card .* 'pth'"),
        ([], {"source": "lokal"}, "unknown source of card .* 'lokal'.*did you mean local"),
        ([], {"source": "sampled"}, "settings of card .* lacks the key 'bank'"),
        ([], {"prepare": "squash"}, "unknown preparation"),
        (["x = "], {}, "is not TOML"),
    ],
)
def test_a_card_that_cannot_mean_anything_is_one_sentence(tmp_path, lines, changes, sentence):
    path = card(tmp_path / "mine.toml", *lines, **changes)
    with pytest.raises(UsageError, match=sentence) as caught:
        find_category(f"mine={path}")
    assert "\n" not in str(caught.value)
    assert "mine.toml" in str(caught.value) or "preparation" in str(caught.value)
