"""Each source, on real files: what it lists, what it reads, and how it says that it cannot."""

from __future__ import annotations

import importlib.util
import io
import shutil
import sys
import zipfile
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from bench.base.errors import ImageError, Unavailable, UsageError
from bench.categories.sources.archive import ArchiveSource
from bench.categories.sources.folder import FolderSource
from bench.categories.sources.hub import HubSource
from bench.categories.sources.lmdb_file import Database
from bench.categories.sources.local import open_path
from bench.categories.sources.lsun import LsunSource
from bench.categories.sources.package import PackageSource

HAS_DATASETS = (found := importlib.util.find_spec("datasets")) is not None and found.origin is not None
STRANGE = ["two words", "it's", 'a "quote"', "<script>alert(1)</script>"[:8], "ünï-日本", "100%", "-n", "a.b"]


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def png(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(seed)).save(buffer, "PNG")
    return buffer.getvalue()


def folder(path: Path, *names: str) -> FolderSource:
    for seed, name in enumerate(names):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(png(seed))
    return FolderSource(path)


def archive(path: Path, members: dict[str, bytes]) -> ArchiveSource:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return ArchiveSource(path)


def database(path: Path, values: dict[str, bytes]) -> LsunSource:
    with lmdb.open(str(path), map_size=1 << 29) as opened, opened.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)
    return LsunSource(path)


def test_folder_lists_images_in_natural_order_of_their_names(tmp_path):
    source = folder(tmp_path, "z/img2.png", "img10.png", "a/img1.PNG", "deep/er/img3.png")
    assert source.names() == ["img1", "img2", "img3", "img10"]
    np.testing.assert_array_equal(source.read("img10"), picture(1))


def test_folder_leaves_out_what_is_hidden_or_no_image(tmp_path):
    source = folder(tmp_path, "a.png", ".hidden.png", ".thumbs/b.png", "__MACOSX/c.png")
    (tmp_path / "notes.txt").write_text("x")
    assert source.names() == ["a"]


def test_folder_reads_strange_names(tmp_path):
    source = folder(tmp_path, *(f"{name}.png" for name in STRANGE))
    assert set(source.names()) == set(STRANGE)
    for seed, name in enumerate(STRANGE):
        np.testing.assert_array_equal(source.read(name), picture(seed))


def test_folder_follows_links_to_images_and_ignores_broken_ones(tmp_path):
    folder(tmp_path / "real", "a.png")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "b.png").symlink_to(tmp_path / "real" / "a.png")
    (tmp_path / "links" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert FolderSource(tmp_path / "links").names() == ["b"]


def test_two_files_with_one_stem_are_an_error_that_names_both(tmp_path):
    with pytest.raises(UsageError, match=r"have one name: got HR/a\.jpg and HR/a\.png; rename one"):
        folder(tmp_path, "HR/a.png", "HR/a.jpg").names()


def test_folder_without_images_says_what_it_holds(tmp_path):
    (tmp_path / "a.heic").touch()
    (tmp_path / "b.txt").write_text("x")
    with pytest.raises(UsageError, match=r"no image in .*: got 1 empty file, 1 text file, expected pictures: PNG"):
        FolderSource(tmp_path).names()


def test_empty_folder_is_said_so(tmp_path):
    with pytest.raises(UsageError, match="got no file"):
        FolderSource(tmp_path).names()


def test_archive_lists_and_reads_its_members(tmp_path):
    source = archive(
        tmp_path / "a.zip", {"x/b2.png": png(2), "x/b10.png": png(10), "x/": b"", "x/readme.md": b"x"}
    )
    assert source.names() == ["b2", "b10"]
    np.testing.assert_array_equal(source.read("b10"), picture(10))


def test_archive_member_that_points_outside_stays_inside(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    members = {"../../escape.png": png(1), "/absolute.png": png(2), "..\\back.png": png(3)}
    source = archive(inner / "a.zip", members)
    before = sorted(tmp_path.rglob("*"))
    assert source.names() == ["absolute", "back", "escape"]
    for name in source.names():
        assert source.read(name).shape == (8, 8, 3)
    assert sorted(tmp_path.rglob("*")) == before


def test_archive_with_one_stem_twice_is_an_error_that_names_both(tmp_path):
    with pytest.raises(UsageError, match=r"got p/a\.gif and p/a\.png"):
        archive(tmp_path / "a.zip", {"p/a.png": png(), "p/a.gif": png()}).names()


def test_damaged_archive_is_a_usage_error(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UsageError, match=r"a\.zip is not a usable \.zip archive"):
        ArchiveSource(tmp_path / "a.zip").names()


def test_damaged_member_costs_only_its_image(tmp_path):
    source = archive(tmp_path / "a.zip", {"good.png": png(1), "bad.png": png(2)})
    content = bytearray((tmp_path / "a.zip").read_bytes())
    start = content.index(b"bad.png") + 20
    content[start : start + 30] = bytes(30)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.zip:bad\.png cannot be unpacked"):
        source.read("bad")
    np.testing.assert_array_equal(source.read("good"), picture(1))


def test_archive_member_that_swells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.categories.sources.archive._MAX_BYTES", 10_000)
    with pytest.raises(ImageError, match="too large"):
        archive(tmp_path / "a.zip", {"bomb.png": bytes(1_000_000)}).read("bomb")


def test_lsun_database_lists_keys_in_their_order_and_reads_them(tmp_path):
    keys = {"ff00": png(3), "00ab": png(1), "7c": png(2)}
    source = database(tmp_path / "cat", keys)
    assert source.names() == ["00ab", "7c", "ff00"]
    np.testing.assert_array_equal(source.read("7c"), picture(2))
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cat").iterdir()}
    source.read("ff00")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cat").iterdir()} == before


def test_lsun_database_larger_than_the_default_map_is_read(tmp_path):
    values = {f"{n:04x}": np.random.default_rng(n).bytes(1 << 20) for n in range(12)}
    source = database(tmp_path / "cat", values | {"ffff": png(9)})
    assert len(source.names()) == 13
    np.testing.assert_array_equal(source.read("ffff"), picture(9))


def test_lsun_value_that_is_no_image_names_database_and_key(tmp_path):
    with pytest.raises(ImageError, match="cat:k is not an image"):
        database(tmp_path / "cat", {"k": b"text"}).read("k")


def test_empty_or_damaged_lsun_database_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="got an empty LMDB database"):
        database(tmp_path / "cat", {}).names()
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "data.mdb").write_bytes(b"no database" * 1000)
    with pytest.raises(UsageError, match="dog is not a usable LMDB database"):
        LsunSource(tmp_path / "dog").names()


def test_lsun_reads_what_lmdb_wrote(tmp_path):
    rng = np.random.default_rng(1)
    values = {rng.bytes(20).hex(): rng.bytes(int(size)) for size in rng.choice([0, 3, 900, 5000, 70_000], 3000)}
    database(tmp_path / "cat", values)
    with Database(tmp_path / "cat" / "data.mdb") as opened:
        assert list(opened.keys()) == sorted(key.encode() for key in values)
        assert all(opened.get(key.encode()) == value for key, value in values.items())
        assert opened.get(b"") is opened.get(b"nothing") is opened.get(b"\xff") is None


def test_lsun_reads_the_last_of_many_transactions(tmp_path):
    for seed in range(5):
        database(tmp_path / "cat", {f"{number:03x}": png(seed) for number in range(seed, 40 * seed + 1)})
    source = LsunSource(tmp_path / "cat")
    assert len(source.names()) == 161
    np.testing.assert_array_equal(source.read("004"), picture(4))
    np.testing.assert_array_equal(source.read("000"), picture(0))


def test_hub_without_its_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(Unavailable) as caught:
        HubSource("owner/faces", "test").names()
    assert str(caught.value) == (
        "dataset owner/faces needs the package datasets to be read; pip install 'glean-bench[sources]'"
    )


def test_hub_is_not_fooled_by_the_folder_of_cards(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)  # so that what is imported below is forgotten again
    monkeypatch.delitem(sys.modules, "datasets")
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[3])])
    with pytest.raises(Unavailable, match="needs the package datasets"):
        HubSource("owner/faces", "test").names()


@pytest.mark.skipif(not HAS_DATASETS, reason="the extra `sources` is not installed: no Hugging Face datasets")
def test_hub_formats_on_this_disk_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    folder(tmp_path / "data" / "test", "a.png", "b.png")
    source = HubSource(str(tmp_path / "data"), "test")
    assert source.names() == ["000000", "000001"]
    np.testing.assert_array_equal(source.read("000001"), picture(1))
    with pytest.raises(Unavailable, match="Unknown split"):
        HubSource(str(tmp_path / "data"), "none").names()


@pytest.mark.skipif(not HAS_DATASETS, reason="the extra `sources` is not installed: no Hugging Face datasets")
def test_a_row_of_the_hub_that_points_outside_its_dataset_is_refused(tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet

    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    (tmp_path / "secret.png").write_bytes(png())
    (tmp_path / "data").mkdir()
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    outside = [str(tmp_path / "secret.png"), str(tmp_path / "data" / ".." / "secret.png"), ""]
    cells = [{"bytes": png(1), "path": None}, None, *({"bytes": None, "path": path} for path in outside)]
    table = pa.table({"image": pa.array(cells, kind)})
    pyarrow.parquet.write_table(table, tmp_path / "data" / "test.parquet")
    source = HubSource(str(tmp_path / "data"), "test")
    np.testing.assert_array_equal(source.read("000000"), picture(1))
    for name in source.names()[1:]:
        with pytest.raises(ImageError, match=r"is not in its dataset: got .*, expected a file of the dataset"):
            source.read(name)


def test_package_images_are_read_without_importing_it():
    source = PackageSource("skimage", "data", "scikit-image")
    assert {"astronaut", "coffee", "chelsea"} <= set(source.names())
    assert source.read("astronaut").shape == (512, 512, 3)


def test_missing_package_says_how_to_install_it():
    with pytest.raises(Unavailable, match="package nobody_has_this is not installed; pip install nobody-has-this"):
        PackageSource("nobody_has_this", "data", "nobody-has-this").names()


def test_a_path_is_opened_by_what_it_is(tmp_path):
    folder(tmp_path / "f", "a.png")
    archive(tmp_path / "A.ZIP", {"a.png": png()})
    database(tmp_path / "d", {"a": png()})
    for name, kind in {"f": FolderSource, "A.ZIP": ArchiveSource, "d": LsunSource}.items():
        source = open_path(tmp_path / name)
        assert isinstance(source, kind)
        assert list(source.names()) == ["a"]
        np.testing.assert_array_equal(source.read("a"), picture(0))
        assert source.assets() == ()


def test_a_path_that_is_nothing_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no images at .*gone: got nothing there, expected a folder, a \.zip"):
        open_path(tmp_path / "gone")
    shutil.copy(__file__, tmp_path / "a.tar")
    with pytest.raises(UsageError, match=r"a\.tar: got a text file"):
        open_path(tmp_path / "a.tar")


def test_databases_of_other_programs_are_found_and_their_counts_left_out(tmp_path):
    (tmp_path / "set").mkdir()
    database(tmp_path / "set/val_lmdb", {"b": png(1), "a": png(2), "length": b"2"})
    with lmdb.open(str(tmp_path / "one.lmdb"), subdir=False) as opened, opened.begin(write=True) as transaction:
        transaction.put(b"c", png(3))
        transaction.put(b"num-samples", b"1")
    assert open_path(tmp_path / "set").names() == ["a", "b"]
    single = open_path(tmp_path / "one.lmdb")
    assert single.names() == ["c"]
    np.testing.assert_array_equal(single.read("c"), picture(3))
