"""Which files of a folder are images, and in which order."""

from PIL import Image

from bench.images.listing import image_files, natural_key
from tests.conftest import photo


def test_natural_order_counts():
    names = ["b2", "b10", "B1", "a", "01", "1", "b"]
    assert sorted(names, key=natural_key) == ["01", "1", "a", "b", "B1", "b2", "b10"]


def test_image_files_are_sorted_and_hidden_ones_left_out(tmp_path):
    for name in ("b.png", "a.JPG", ".c.png", "deep/d.webp", ".deep/e.png", "f.txt", "deep/__MACOSX/g.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(0, 8, 8)).save(tmp_path / name, "PNG")
    names = [path.relative_to(tmp_path).as_posix() for path in image_files(tmp_path)]
    assert names == ["a.JPG", "b.png", "deep/d.webp"]
    assert [path.name for path in image_files(tmp_path, recursive=False)] == ["a.JPG", "b.png"]
