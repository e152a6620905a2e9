"""How methods are found, built and known."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bench.base.errors import MethodError, UsageError
from bench.registry import METHODS
from bench.registry.identity import sources
from bench.registry.methods import build, create
from tests.conftest import write_adapter


def test_listing_imports_no_torch():
    code = "import sys; from bench.registry import METHODS; METHODS.entries(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_built_in_methods_have_a_summary():
    entries = METHODS.entries()
    assert {"nearest", "bicubic", "hr", "esrgan", "spandrel", "pulse", "folder", "command"} <= entries.keys()
    assert all(
        entry.summary and entry.origin == "built-in" for entry in entries.values() if entry.origin[0] == "b"
    )


def test_unknown_method_shows_close_matches():
    with pytest.raises(UsageError, match=r"unknown method 'bicubik'.*did you mean bicubic"):
        create("bicubik")


def test_a_file_is_a_method_and_an_edit_changes_its_identity(tmp_path):
    path = write_adapter(tmp_path / "mine.py")
    first = create(f"{path}")
    assert first.identity == create(f"ours={path}").identity
    assert create(f"{path}[wait=0.5]").identity != first.identity
    write_adapter(path, body="sr = sr * 0.5")
    assert create(f"{path}").identity != first.identity


def test_identity_covers_what_decides_about_pixels():
    root = Path(__file__).parents[3]
    files = {path.relative_to(root).as_posix() for path in sources(type(build("glean")))}
    decides = {"bench/images/degradation.py", "bench/base/seeds.py", "bench/networks/vgg16.py"}
    assert decides | {"methods/glean/parts.py", "methods/shared/banks/mobilestylegan.py"} <= files
    assert not any(name.startswith(("bench/store/", "bench/pipeline/", "reports/")) for name in files)


def test_a_file_that_cannot_be_had_stops_no_run_and_its_content_is_another_method(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    text, identities = "esrgan[weights=RRDB_ESRGAN_x4]", []  # a person alone can get it; its digest is unknown
    identities.append(create(text).identity)
    (file,) = build(text).assets()
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_bytes(b"weights")
    identities.append(create(text).identity)
    assert len(set(identities)) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [("x = 1", "0 classes"), ("import nothing_of_this_name", "ModuleNotFoundError"), ("def (", "SyntaxError")],
)
def test_a_broken_adapter_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "broken.py"
    path.write_text(content)
    with pytest.raises(MethodError, match=message):
        create(str(path))


def test_a_missing_adapter_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no method at .*absent\.py"):
        create(str(tmp_path / "absent.py"))


def test_a_plugin_is_found_by_its_entry_point(tmp_path, monkeypatch):
    write_adapter(tmp_path / "their_module.py", name="theirs")
    information = tmp_path / "theirs-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    points = """
        [bench.methods]
        theirs = their_module:Adapter
        gone = no_such_module:Adapter
        bicubic = their_module:Adapter
    """
    (information / "entry_points.txt").write_text(textwrap.dedent(points))
    monkeypatch.syspath_prepend(tmp_path)
    entries = METHODS.entries()
    assert entries["theirs"].origin == "plugin theirs"
    assert entries["theirs"].summary == "A method of a test."
    assert entries["bicubic"].origin == "built-in"
    assert create("theirs").method.name == "theirs"
    with pytest.raises(MethodError, match=r"gone \(plugin theirs\) cannot be imported"):
        create("gone")


def test_a_class_that_is_no_method_is_refused_with_the_remedy(tmp_path):
    path = write_adapter(tmp_path / "mine.py")
    path.write_text(path.read_text().replace("class Adapter(Method)", "class Adapter"))
    with pytest.raises(
        MethodError, match=r"got 0 classes .* inherit bench\.Method.*write class Adapter\(bench\.Method\)"
    ):
        create(str(path))


def test_slugs_are_safe_and_distinct(tmp_path):
    path = write_adapter(tmp_path / "mine.py")
    slugs = {create(f"{path}[wait={wait}]").slug for wait in (1, 2)}
    assert len(slugs) == 2
    assert all("/" not in slug and "[" not in slug for slug in slugs)
