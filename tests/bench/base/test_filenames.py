"""Names that try to leave the run folder, or that a file system cannot hold."""

from __future__ import annotations

from urllib.parse import unquote

from bench.base.filenames import safe_filename

NAMES = [
    "plain",
    "two words",
    "it's",
    'a"b',
    "<script>",
    "ünï-日本",
    "100%",
    "-n",
    "a.b",
    "a/b",
    "..",
    "../../x",
    ".x",
]
NAMES += ["%2E", "a\\b", "a\nb", "a@2", " x", "C:x", "\udce9", "\u202eabc", "x" * 300, "日" * 200, "%", ""]


def test_safe_stems_stay_in_their_folder_and_differ(tmp_path):
    stems = [safe_filename(name) for name in NAMES]
    assert len(set(stems)) == len(set(NAMES))
    for number, stem in enumerate(stems):
        path = tmp_path / f".{stem}@9.png.part"
        path.write_text(str(number))
        assert path.resolve().parent == tmp_path.resolve()
        assert not set(stem) & set('/\\<>:"|?*@\n\u202e')
        assert not stem.startswith((".", " "))
    assert [(tmp_path / f".{stem}@9.png.part").read_text() for stem in stems] == [
        str(n) for n in range(len(NAMES))
    ]


def test_safe_stems_are_readable_and_give_the_name_back():
    assert safe_filename("two words-ünï_1 (2)") == "two words-ünï_1 (2)"
    assert safe_filename("../x") == "%2E.%2Fx"
    assert safe_filename("<script>") == "%3Cscript%3E"
    for name in NAMES:
        if name and len(name) < 100:
            assert unquote(safe_filename(name), errors="surrogateescape") == name
