"""Inputs that once broke a reader, or would break one without its checks: each is refused, or read, in one sentence."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.assets.declare import Asset
from bench.base.errors import AssetError, ImageError, UsageError
from bench.categories.sources.archive import ArchiveSource
from bench.categories.sources.package import PackageSource
from bench.images.decode import read_image
from tests.fuzz.child import CORPUS, Job


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.json")), ids=lambda path: path.stem)
def test_an_input_of_the_corpus(path, child):
    child.run(Job.read(path))


def test_a_jpeg_of_many_scans_is_refused():
    buffer = io.BytesIO()
    Image.new("L", (64, 64)).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    scan = content[content.rindex(b"\xff\xda") : -2]
    for more, refused in ((20, False), (300, True)):
        bomb = io.BytesIO(content[:-2] + scan * more + content[-2:])
        if not refused:
            assert read_image(bomb, "a.jpg").shape == (64, 64, 3)
            continue
        with pytest.raises(
            ImageError, match=r"a\.jpg is a decompression bomb: got 3\d\d scans, expected at most 200"
        ):
            read_image(bomb, "a.jpg")


def test_a_picture_of_one_endless_line_is_refused():
    buffer = io.BytesIO()
    Image.new("1", (40_000, 1)).save(buffer, "PNG")
    with pytest.raises(ImageError, match=r"too large: got 40000x1, .* 32,768 pixels a side"):
        read_image(io.BytesIO(buffer.getvalue()), "a.png")


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_would_be_unpacked_as_a_whole_is_refused(tmp_path, how):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", how) as archive:
        archive.writestr("a.png", bytes(1 << 24))
    assert (tmp_path / "a.zip").stat().st_size < 5000
    with pytest.raises(
        ImageError, match=r"packed in an unusual way: got (bzip2|lzma), expected stored or deflate"
    ):
        ArchiveSource(tmp_path / "a.zip").read("a")


def test_a_member_that_is_larger_than_it_says_is_not_unpacked_further(tmp_path):
    """The directory says 100 bytes, the data hold 64 MiB."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(1 << 26))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    struct.pack_into("<I", content, content.rindex(b"PK\1\2") + 24, 100)
    (tmp_path / "a.zip").write_bytes(content)
    source = ArchiveSource(tmp_path / "a.zip")
    assert source.names() == ["a"]
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=r"a\.png cannot be unpacked: Bad CRC-32"):
            source.read("a")
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("package", "folder"),
    [("os.path", "x"), (".x", "x"), ("", "x"), ("skimage", "../.."), ("skimage", "/etc"), ("skimage", "a\\..\\b")],
)
def test_a_packages_images_lie_in_the_package_and_nothing_is_imported(package, folder):
    with pytest.raises(UsageError, match="expected the name of one package, and a folder inside it"):
        PackageSource(package, folder, "x")


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "C:\\x", "a\\..\\..\\x", "", "a\0b"])
def test_an_assets_name_stays_in_the_cache(name):
    with pytest.raises(AssetError, match="is no place in the cache"):
        Asset(name, "MIT", None, None, ())
    assert Asset("a/b..c.bin", "MIT", None, None, ()).path.name == "b..c.bin"


def test_keys_that_speak_of_a_hundred_million_blocks_make_none(child):
    import torch

    from tests.fuzz.test_checkpoints import compact, job, rrdbnet, saved

    for state in (
        {**compact(), "body.100000000.weight": torch.ones(1)},
        {**rrdbnet(), "model.1.sub.100000000.RDB1.conv1.0.weight": torch.ones(1)},
    ):
        kind, told = child.run(job("spandrel", saved(state)))
        assert kind == "refused", told


def test_what_lmdb_crashes_on_is_one_sentence(tmp_path, child):
    from tests.fuzz.test_images import databases

    content = bytearray(databases()[1])
    for at in range(0, len(content) - 4096, 4096):
        broken = content[:at] + np.random.default_rng(at).bytes(4096) + content[at + 4096 :]
        child.run(Job("archive", {"db/data.mdb": bytes(broken)}, ("db",)))


def test_the_corpus_is_small():
    assert all(path.stat().st_size < 40_000 for path in Path(CORPUS).iterdir())
