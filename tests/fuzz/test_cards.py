"""Cards and selections of any kind: a category, a command or one error; no shell, and no name leaves its folder."""

from __future__ import annotations

import io
import json
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from PIL import Image

from bench.base.filenames import MAX_BYTES, safe_filename
from bench.images.listing import natural_key
from tests.fuzz.child import Job
from tests.fuzz.mutations import mutated

NASTY = (
    "; touch x", "$(touch x)", "`touch x`", "'; touch x #", '" && touch x', "a\nb", "a\x00b", "../../x", "/etc/passwd", "~nobody-at-all/x",
    "..", ".", "", "-rf", "--help", "a" * 5000, "%2e%2e/x", "\\\\host\\x", "C:\\x", "CON", "a\u202eb", "{output}", "{input}", "{factor}", "{0.__class__}",
    "*", "\x1b[2J", "9" * 4400, "photos", "secret.png", "../secret.png", "os", "antigravity", "antigravity.x", ".x", "a.", "é", "e\u0301",
)  # fmt: skip
WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=8))
NUMBERS = st.one_of(st.integers(-2, 20), st.integers(-(2**70), 2**70), st.sampled_from([10**12, 2**31, -1]))
FLOATS = st.one_of(st.floats(), st.sampled_from([float("nan"), float("inf"), 1e308]))
ANYTHING: SearchStrategy[object] = st.recursive(
    st.one_of(WORDS, NUMBERS, FLOATS, st.booleans(), st.dates(), st.datetimes(), st.times()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)
PREPARE = st.one_of(
    st.sampled_from(["none", "centre-crop:4", "squash:4", "squash:" + "9" * 9, "centre-crop:" + "9" * 4400, "squash:٣", "centre-crop:4/8"]), WORDS
)  # fmt: skip
LISTS = st.one_of(
    st.fixed_dictionaries({}, optional={"names": st.lists(st.one_of(st.just("p"), WORDS), max_size=4)}),
    st.fixed_dictionaries({"range": st.lists(st.one_of(st.sampled_from(["0", "000", "9" * 12, "٣", "²"]), WORDS), min_size=1, max_size=3)}),
    st.fixed_dictionaries({}, optional={"start": WORDS, "count": NUMBERS}),
)  # fmt: skip
SOURCES = (
    ("local", st.fixed_dictionaries({}, optional={"path": st.one_of(st.just("photos"), WORDS)})),
    ("package", st.fixed_dictionaries({"package": WORDS, "folder": WORDS, "install": WORDS})),
    ("sampled", st.fixed_dictionaries({"bank": WORDS, "count": NUMBERS, "truncation": FLOATS})),
    ("hub", st.fixed_dictionaries({"repository": WORDS, "split": WORDS}, optional={"column": WORDS, "revision": WORDS})),
)  # fmt: skip

CARD = b"""title = "Mine"
about = "A few."
licence = "mine"
how_to_get = "They are here."
source = "local"
settings = {path = "photos"}
prepare = "centre-crop:4"
held_out = {names = ["p"]}
digests = {p = "0"}
"""
COMMAND = b"""command = ["python", "my.py", "{input}", "{output}", "{factor}"]
name = "Mine"
factors = [2, 16]
"""
DEEP = (
    b"a = " + b"[" * 5000,
    b"a = " + b"[" * 900 + b"]" * 900,
    b"a = " + b"{a=" * 3000,
    b"[" + b"a." * 5000 + b"a]",
)
PROGRAM = """import json, shutil, sys
from PIL import Image
Image.new("RGB", (4, 4)).save(next(part for part in sys.argv if part.endswith("output.png")))
open("argv.json", "w").write(json.dumps(sys.argv))
"""


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (9, 99, 199)).save(buffer, "PNG")
    return buffer.getvalue()


def toml(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(key))} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _quoted(text: str) -> str:
    safe = (c if c.isprintable() and c not in '"\\' and ord(c) < 0xD800 else _escaped(c) for c in text)
    return '"' + "".join(safe) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    return "\\uFFFD" if 0xD800 <= number < 0xE000 else f"\\U{number:08X}"


@st.composite
def category_cards(draw: DrawFn) -> bytes:
    """Draw a card with the right keys, most of them of the right type."""
    source, table = draw(st.sampled_from(SOURCES))
    said = {key: draw(WORDS) for key in ("title", "about", "licence", "how_to_get")}
    said |= {"source": source, "settings": draw(table), "held_out": draw(LISTS)}
    said |= {"prepare": draw(PREPARE)} if draw(st.booleans()) else {}
    said |= (
        {"digests": draw(st.dictionaries(WORDS, WORDS, max_size=2)), "kind": draw(WORDS)}
        if draw(st.booleans())
        else {}
    )
    if not draw(st.integers(0, 3)):
        key = draw(st.one_of(st.sampled_from([*said, "kind", "lr_only", "digests"]), WORDS))
        said[key] = draw(ANYTHING)
    return "".join(f"{_quoted(key)} = {toml(value)}\n" for key, value in said.items()).encode()


@st.composite
def command_cards(draw: DrawFn) -> bytes:
    said: dict[str, object] = {
        "command": draw(st.lists(st.one_of(WORDS, st.sampled_from(["{input}", "{output}"])), max_size=5))
    }
    said |= {"name": draw(WORDS)} if draw(st.booleans()) else {}
    said |= {"factors": draw(st.lists(NUMBERS, max_size=3))} if draw(st.booleans()) else {}
    if not draw(st.integers(0, 3)):
        said[draw(st.one_of(st.sampled_from([*said]), WORDS))] = draw(ANYTHING)
    return "".join(f"{_quoted(key)} = {toml(value)}\n" for key, value in said.items()).encode()


def category(card: bytes) -> Job:
    return Job("category_card", {"card.toml": card, "photos/p.png": picture(), "photos/q.png": picture()})


def command(card: bytes) -> Job:
    return Job("command_card", {"card.toml": card, "my.py": b""}, (False,))


def test_any_category_card(explore):
    explore(category_cards().map(category), 50)


def test_damaged_category_card(explore):
    explore(st.one_of(mutated([CARD]), st.sampled_from(DEEP), st.binary(max_size=40)).map(category), 30)


def test_any_command_card(explore):
    explore(command_cards().map(command), 40)


def test_damaged_command_card(explore):
    explore(st.one_of(mutated([COMMAND]), st.sampled_from(DEEP)).map(command), 20)


def test_a_command_reaches_its_program_as_it_is_written(explore):
    """No shell stands between: each part is one argument, whatever is in it."""

    def job(parts: list[str]) -> Job:
        line = [sys.executable, "my.py", "{input}", "{output}", *parts]
        card = f"command = {toml(line)}".encode()
        return Job("command_card", {"card.toml": card, "my.py": PROGRAM.encode()}, (True,))

    def check(job: Job, kind: str, told: str) -> None:
        if kind == "refused":
            assert "\\U00000000" in job.files["card.toml"].decode(), told
            return
        given = json.loads(told)
        assert given[0] == "my.py"
        assert Path(given[1]).name == "input.png"
        filled = {"{input}": given[1], "{output}": given[2], "{factor}": "2"}
        assert given[3:] == [filled.get(part, part) for part in parts_of(job)]

    def parts_of(job: Job) -> list[str]:
        import tomllib

        return tomllib.loads(job.files["card.toml"].decode())["command"][4:]

    words = st.one_of(st.sampled_from(NASTY), st.text(st.characters(codec="utf-8"), max_size=6))
    plain = words.filter(lambda word: "{" not in word or word in ("{input}", "{output}", "{factor}"))
    explore(st.lists(plain, max_size=3).map(job), 6, check)


def test_any_selection(explore):
    labels = st.one_of(
        st.sampled_from(["mine", "faces", "celebahq", "a" * 300, "é" * 200, "a..", "a.", "_"]), WORDS
    )
    targets = st.one_of(
        st.sampled_from(["photos", "card.toml", "faces", "glean", "folder:photos", "~x/y", "photos/p.png"]), WORDS
    )
    ends = st.one_of(
        st.just(""), PREPARE.map(lambda text: f"[prepare={text}]"), WORDS.map(lambda text: f"[kind={text}]"), WORDS
    )
    texts = st.one_of(
        st.builds("{}={}{}".format, labels, targets, ends), st.builds("{}{}".format, targets, ends), WORDS
    )
    files = {"card.toml": CARD, "photos/p.png": picture()}
    explore(texts.map(lambda text: Job("selection", files, (text,))), 40)


def test_whole_cards_are_read(child):
    assert child.run(category(CARD)) == ("good", "1 images")
    assert child.run(Job("command_card", {"card.toml": COMMAND, "my.py": b""}, (False,)))[0] == "good"


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(
    st.one_of(
        WORDS, st.text(max_size=80), st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    )
)
def test_a_stem_is_one_name_of_its_folder_and_can_be_read_back(name):
    if any("\ud800" <= character <= "\udbff" for character in name):
        return  # no file system gives such a name
    stem = safe_filename(name)
    assert not set(stem) & set('/\\:*?"<>|\0\n')
    assert stem[0] not in " ."
    assert len(stem.encode()) <= MAX_BYTES
    assert "%~" in stem or stem == "%" or unquote(stem, errors="surrogateescape") == name


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(st.lists(st.one_of(st.just("9" * 4400), st.text("0123456789a٣²", max_size=12)), max_size=5))
def test_any_names_have_an_order(names):
    keys = [natural_key(name) for name in sorted(names, key=natural_key)]
    assert all(one <= other for one, other in pairwise(keys))
