"""command: real programs, started from cards, that work and that fail in every way."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.base.errors import MethodError, UsageError
from bench.registry.methods import create
from tests.methods.common import batch, loaded, restored

SCRIPT = """
import sys
import numpy as np
from PIL import Image
source, target, factor = sys.argv[1:]
image = np.asarray(Image.open(source))
print("noise on stdout")
Image.fromarray(image.repeat(int(factor), 0).repeat(int(factor), 1)).save(target)
"""


def _card(folder: Path, script: str = SCRIPT, **fields: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "my.py").write_text(script)
    content = {"command": [sys.executable, "my.py", "{input}", "{output}", "{factor}"]} | fields
    card = folder / "card.toml"
    card.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in content.items()))
    return card


def test_a_program_restores_every_image_of_a_batch(tmp_path):
    """The script is found in the card's folder, whatever the working folder and the characters of its path."""
    inputs = batch(16, names=("a", "b"))
    sr = restored(f"command:{_card(tmp_path / 'my folder & co')}", inputs)
    lr = np.rint(inputs.lr.numpy() * 255) / 255
    np.testing.assert_allclose(sr.numpy(), lr.repeat(16, 2).repeat(16, 3), atol=1e-6)


def test_a_program_may_write_into_a_folder_under_a_name_of_its_own(tmp_path):
    script = SCRIPT.replace(".save(target)", ".save(target + '/input_out.webp', lossless=True)")
    script = "import os, sys\nos.mkdir(sys.argv[2])\n" + script
    assert restored(f"command:{_card(tmp_path, script)}", batch(16)).shape[-2:] == (128, 192)
    with pytest.raises(MethodError, match="wrote no image for a"):
        twice = script.replace("save(", "save(target + '/other.png'); Image.open(source).save(")
        restored(f"command:{_card(tmp_path, twice)}", batch(16))


@pytest.mark.parametrize("program", ["~/tools/restore", "$TOOLS/restore", "${TOOLS}/restore"])
def test_a_program_may_be_named_by_the_home_folder_and_variables(tmp_path, monkeypatch, program):
    tools = tmp_path / "home" / "tools"
    tools.mkdir(parents=True)
    (tools / "restore").write_text(f"#!{sys.executable}\n{SCRIPT}")
    (tools / "restore").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOOLS", str(tools))
    card = _card(tmp_path / "card", command=[program, "{input}", "{output}", "{factor}"])
    assert restored(f"command:{card}", batch(16)).shape[-2:] == (128, 192)


def test_title_is_the_cards_name_or_its_file(tmp_path):
    assert create(f"command:{_card(tmp_path)}").method.title == "card"
    assert create(f"command:{_card(tmp_path, name='Mine <b>')}").method.title == "Mine <b>"


def test_factors_are_those_of_the_card(tmp_path):
    method = create(f"command:{_card(tmp_path, factors=[16, 32])}").method
    category = batch(16).category
    assert method.supports((16, 16), (256, 256), 16, category) is None
    assert method.supports((16, 16), (1024, 1024), 64, category) == "its card lists the factors [16, 32]"


def test_nothing_is_given_to_a_shell(tmp_path):
    command = [sys.executable, "my.py", "{input}", "{output}", "{factor}", "; touch hacked; $(touch hacked)"]
    script = SCRIPT.replace("sys.argv[1:]", "sys.argv[1:4]")
    restored(f"command:{_card(tmp_path, script, command=command)}", batch(4))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.toml", "my.py"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('no weights in\\n/models')", "failed on a: got exit code 1: /models"),
        ("raise ValueError('bad input')", "got exit code 1: ValueError: bad input"),
        ("import os; os._exit(3)", "got exit code 3: no message"),
        ("print('CUDA error: no device\\n'); raise SystemExit(9)", "got exit code 9: CUDA error: no device"),
        ("", r"wrote no image for a: expected a PNG at \{output\}"),
        ("import sys; open(sys.argv[2], 'w').write('text')", "output of .* for a is not an image"),
        (SCRIPT.replace("int(factor), 0", "2, 0"), "has the wrong size: got 192x16, expected 192x128"),
        (
            SCRIPT.replace("Image.open(source)", "Image.open(source).convert('RGBA').point(lambda v: v // 2)"),
            "got an alpha channel",
        ),
    ],
)
def test_what_a_program_gets_wrong_is_told(tmp_path, script, words):
    with pytest.raises(MethodError, match=words):
        restored(f"command:{_card(tmp_path, script)}", batch(16))


def test_a_program_that_is_not_there_is_told_before_the_first_image(tmp_path):
    card = _card(tmp_path, command=["no-such-program", "{input}", "{output}"])
    with pytest.raises(MethodError, match="there is no program 'no-such-program'"):
        loaded(f"command:{card}")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"comand": ["a"]}, "unknown key of card .* 'comand': .*did you mean command"),
        ({"timeout": 3}, "unknown key of card .* 'timeout'"),
        ({"command": "python my.py {input} {output}"}, "expected a list of texts"),
        ({"command": []}, r"does not say where \{input\} goes"),
        ({"command": ["python", "my.py", "{input}"]}, r"does not say where \{output\} goes"),
        ({"factors": ["16"]}, "expected a list of whole numbers"),
        ({"factors": [0]}, "got 0, expected positive numbers"),
        ({"factors": [True]}, "expected a list of whole numbers"),
        ({"name": 3}, r"name of card .* has another type: got 3, expected a text"),
    ],
)
def test_a_card_that_means_nothing_is_refused_at_once(tmp_path, fields, words):
    with pytest.raises(UsageError, match=words):
        create(f"command:{_card(tmp_path, **fields)}")


def test_a_card_without_a_command_is_refused(tmp_path):
    (tmp_path / "card.toml").write_text("name = 'x'")
    with pytest.raises(UsageError, match=r"card .* lacks the key 'command': expected a list of texts"):
        create(f"command:{tmp_path / 'card.toml'}")


def test_a_card_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "card.toml").write_text("command: python")
    with pytest.raises(UsageError, match=r"card\.toml is not TOML"):
        create(f"command:{tmp_path / 'card.toml'}")


def test_a_card_must_be_there():
    with pytest.raises(UsageError, match=r"card nowhere\.toml cannot be read: got No such file"):
        create("command:nowhere.toml")
    with pytest.raises(UsageError, match=r"command needs a card: expected command:CARD\.toml"):
        create("command")


def test_an_edited_card_or_script_is_another_method(tmp_path):
    text = f"command:{_card(tmp_path)}"
    before = create(text).identity
    assert create(text).identity == before
    (tmp_path / "my.py").write_text(SCRIPT + "EDITED = True\n")
    edited = create(text).identity
    (tmp_path / "card.toml").write_text((tmp_path / "card.toml").read_text() + "name = 'x'\n")
    assert len({before, edited, create(text).identity}) == 3
