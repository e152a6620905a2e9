"""Which files of a folder are images, in which order, under which names, and what is said of the others."""

import unicodedata

import pytest
from PIL import Image

from bench.base.errors import UsageError
from bench.images.listing import list_folder, natural_key
from tests.conftest import photo


def save(folder, *names, kind="PNG"):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(0, 8, 8)).save(folder / name, kind)


def listed(folder):
    return [path.as_posix() for path in list_folder(folder).files]


def test_natural_order_counts():
    names = ["b2", "b10", "B1", "a", "01", "1", "b"]
    assert sorted(names, key=natural_key) == ["01", "1", "a", "b", "B1", "b2", "b10"]


def test_what_systems_and_editors_leave_behind_is_passed_over(tmp_path):
    save(tmp_path, "b.png", "a.JPG", "deep/d.webp")
    save(tmp_path, ".c.png", "._a.JPG", ".deep/e.png", "deep/__MACOSX/g.png", "@eaDir/a.JPG/thumb.png", "b.png~")
    save(tmp_path, "Thumbs.db", "b.png.part")
    assert listed(tmp_path) == ["a.JPG", "b.png", "deep/d.webp"]
    assert list_folder(tmp_path).remarks == []


def test_images_are_known_by_content_and_the_others_counted(tmp_path):
    save(tmp_path, "scan.2024", "no_suffix", "x.jfif", "y.jpe", kind="JPEG")
    save(tmp_path, "z.avif", kind="AVIF")
    save(tmp_path, "w.jp2", kind="JPEG2000")
    (tmp_path / "holiday.mov").write_bytes(bytes.fromhex("00000014") + b"ftypqt  " + bytes(30))
    (tmp_path / "phone.heic").write_bytes(bytes.fromhex("00000018") + b"ftypheic" + bytes(30))
    (tmp_path / "a.nef").write_bytes(b"MM\0*" + bytes(30))
    for name in ("list.txt", "list.csv"):
        (tmp_path / name).write_text("name,size")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert listed(tmp_path) == ["no_suffix", "scan.2024", "w.jp2", "x.jfif", "y.jpe", "z.avif"]
    (remark,) = list_folder(tmp_path).remarks
    assert "6 of 12 files" in remark
    assert remark.endswith("1 HEIC picture, 1 broken link, 1 camera raw file, 1 film, 2 text files")
    assert list(list_folder(tmp_path).by_name())[:2] == ["no_suffix", "scan.2024"]


def test_linked_folders_are_followed_once_and_loops_end(tmp_path):
    save(tmp_path / "elsewhere", "a.png", "deep/b.png")
    save(tmp_path / "set", "c.png")
    (tmp_path / "set/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/deep/up").symlink_to(tmp_path / "set")
    assert listed(tmp_path / "set") == ["link/a.png", "link/deep/b.png", "c.png"]


def test_class_folders_become_part_of_names_where_names_repeat(tmp_path):
    save(tmp_path, "cat/1.png", "dog/1.png", "dog/2.png")
    assert list(list_folder(tmp_path).by_name()) == ["cat/1", "dog/1", "dog/2"]
    (tmp_path / "dog/1.png").rename(tmp_path / "dog/3.png")
    assert list(list_folder(tmp_path).by_name()) == ["1", "2", "3"]


def test_names_are_in_nfc_whatever_the_disk_says(tmp_path):
    name = unicodedata.normalize("NFD", "Zürich é")
    save(tmp_path, f"{name}.png")
    assert list(list_folder(tmp_path).by_name()) == ["Zürich é"]
    save(tmp_path, "Zürich é.png")
    with pytest.raises(UsageError, match="have one name"):
        list_folder(tmp_path).by_name()
