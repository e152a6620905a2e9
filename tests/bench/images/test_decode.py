"""Every kind of file that a folder of photographs can hold: what is read, what is refused, and in which words."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.base.errors import ImageError
from bench.images.decode import read_image


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def read(path: Path) -> np.ndarray:
    return read_image(path, path.name)


def refused(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm", "webp"])
def test_lossless_formats_keep_every_pixel(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise(9, 7)).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read(path), noise(9, 7))


def test_reads_an_open_file():
    buffer = io.BytesIO()
    Image.fromarray(noise(4, 4)).save(buffer, "PNG")
    np.testing.assert_array_equal(read_image(buffer.seek(0) or buffer, "a"), noise(4, 4))


def test_what_is_read_can_be_written_to(tmp_path):
    Image.fromarray(noise(4, 4)).save(tmp_path / "a.png")
    pixels = read(tmp_path / "a.png")
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous


def test_grey_is_replicated(tmp_path):
    grey = noise(5, 6)[..., 0]
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.stack([grey] * 3, -1))


def test_bilevel_becomes_black_and_white(tmp_path):
    Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.stack([np.eye(4) * 255] * 3, -1))


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_palette_becomes_its_colours(tmp_path, suffix):
    palette, index = noise(1, 16)[0], np.arange(16, dtype=np.uint8).reshape(4, 4)
    image = Image.fromarray(index).convert("P")
    image.putpalette(palette.tobytes())
    image.save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read(tmp_path / f"a.{suffix}"), palette[index])


@pytest.mark.parametrize(("mode", "suffix"), [("RGBA", "png"), ("LA", "png"), ("RGBA", "webp"), ("RGBA", "tiff")])
def test_an_opaque_alpha_channel_is_dropped(tmp_path, mode, suffix):
    picture = Image.fromarray(noise(6, 5)).convert(mode)
    picture.save(tmp_path / f"a.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read(tmp_path / f"a.{suffix}"), np.asarray(picture.convert("RGB")))


def test_a_transparent_colour_that_no_pixel_has_is_dropped(tmp_path):
    Image.fromarray(np.full((4, 4, 3), 9, np.uint8)).save(tmp_path / "a.png", transparency=(0, 0, 0))
    assert (read(tmp_path / "a.png") == 9).all()


def test_a_film_behind_a_photograph_is_no_bomb(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(noise(16, 16)).save(buffer, "JPEG", progressive=True)
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue() + b"\0\0\0\x14ftypmp42" + b"\xff\xda" * 5000)
    np.testing.assert_array_equal(read(tmp_path / "a.jpg"), np.asarray(Image.open(buffer)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a git-lfs pointer"),
        (b"II*\0\x08\0\0\0\0\0", "a TIFF picture that is damaged or of an unusual form"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "a HEIC picture"),
        (b"hello", "a text file"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, words):
    (tmp_path / "a.png").write_bytes(content)
    assert words in refused(tmp_path / "a.png")


def test_a_large_colour_profile_is_not_called_damage(tmp_path):
    Image.fromarray(noise(4, 4)).save(tmp_path / "a.png", icc_profile=bytes(3 << 20))
    assert "colour profile or text" in refused(tmp_path / "a.png")


def test_deep_jpeg_2000_is_refused(tmp_path):
    Image.fromarray(noise(8, 8)).save(tmp_path / "a.jp2", irreversible=False)
    np.testing.assert_array_equal(read(tmp_path / "a.jp2"), noise(8, 8))
    content = (tmp_path / "a.jp2").read_bytes()
    at = content.index(b"\xff\x51") + 40
    (tmp_path / "a.jp2").write_bytes(content[:at] + b"\x0b\x01\x01\x0b\x01\x01\x0b" + content[at + 7 :])
    assert "more than 8 bits" in refused(tmp_path / "a.jp2")


def test_transparent_palette_is_refused(tmp_path):
    Image.new("P", (4, 4)).save(tmp_path / "a.png", transparency=0)
    assert "alpha channel" in refused(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_refused_with_the_remedy(tmp_path, mode):
    Image.new(mode, (4, 4)).save(tmp_path / "a.png")
    sentence = refused(tmp_path / "a.png")
    assert "alpha channel" in sentence
    assert "8-bit RGB PNG" in sentence


def test_transparent_colour_of_an_rgb_png_is_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", transparency=(0, 0, 0))
    assert "alpha channel" in refused(tmp_path / "a.png")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    import zlib

    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_16_bit_rgb_png_is_refused(tmp_path):
    import zlib

    rows = b"".join(b"\0" + bytes(range(12)) for _ in range(2))
    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    body = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in body))
    assert "more than 8 bits" in refused(tmp_path / "a.png")


def test_16_bit_grey_png_is_refused(tmp_path):
    Image.fromarray(np.arange(16, dtype=np.uint16).reshape(4, 4) * 4000).save(tmp_path / "a.png")
    assert "more than 8 bits" in refused(tmp_path / "a.png")


def test_16_bit_ppm_is_refused(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P6 2 1 65535\n" + bytes(range(12)))
    assert "more than 8 bits" in refused(tmp_path / "a.ppm")


def test_16_bit_rgb_tiff_is_refused(tmp_path):
    tags = [(256, 3, 2), (257, 3, 1), (258, 3, 16), (259, 3, 1), (262, 3, 2), (273, 4, 200), (277, 3, 3)]
    tags += [(278, 3, 1), (279, 4, 12)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    entries = entries.replace(struct.pack("<HHII", 258, 3, 1, 16), struct.pack("<HHII", 258, 3, 3, 190))
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + struct.pack("<I", 0)
    bits = struct.pack("<HHH", 16, 16, 16)
    content = head.ljust(190, b"\0") + bits
    (tmp_path / "a.tif").write_bytes(content.ljust(200, b"\0") + bytes(range(12)))
    assert "more than 8 bits" in refused(tmp_path / "a.tif")


def test_float_tiff_is_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    assert "more than 8 bits" in refused(tmp_path / "a.tif")


def test_cmyk_is_refused_with_the_remedy(tmp_path):
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")
    sentence = refused(tmp_path / "a.jpg")
    assert "CMYK" in sentence
    assert "8-bit RGB PNG" in sentence


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tiff"])
def test_several_frames_are_refused(tmp_path, suffix):
    frames = [Image.fromarray(noise(8, 8) // shade) for shade in (1, 2, 3)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert "3 frames" in refused(tmp_path / f"a.{suffix}")


def test_a_cameras_multi_picture_jpeg_is_its_photograph(tmp_path):
    frames = [Image.fromarray(noise(16, 16)), Image.fromarray(noise(8, 8))]
    frames[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.jpg")
    np.testing.assert_array_equal(read(tmp_path / "a.jpg"), read(tmp_path / "b.jpg"))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tiff", "gif", "ppm"])
def test_truncated_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise(64, 64)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    sentence = refused(path)
    assert "damaged" in sentence
    assert "again" in sentence


def test_every_prefix_of_a_file_is_refused_or_complete(tmp_path):
    path, read_whole = tmp_path / "a.png", 0
    Image.fromarray(noise(6, 6)).save(path)
    content = path.read_bytes()
    for size in range(len(content) - 12):
        path.write_bytes(content[:size])
        try:
            pixels = read(path)
        except ImageError:
            continue
        np.testing.assert_array_equal(pixels, noise(6, 6))
        read_whole += 1  # only checksums are cut off
    assert read_whole < 10


def test_empty_is_refused(tmp_path):
    (tmp_path / "a.png").touch()
    assert "0 bytes" in refused(tmp_path / "a.png")


def test_text_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("<html>404</html>")
    assert "not an image" in refused(tmp_path / "a.png")


def test_missing_is_refused(tmp_path):
    assert "No such file" in refused(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(20_000, 10_000), (10_000, 7_000)])
def test_too_many_pixels_are_refused_before_decoding(tmp_path, size):
    Image.new("1", size).save(tmp_path / "a.png")
    sentence = refused(tmp_path / "a.png")
    assert "at most 64 megapixels" in sentence


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_orientation_is_applied(tmp_path, orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise(5, 3)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), expected(noise(5, 3)))


def test_image_inside_an_archive_is_read(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(noise(6, 6)).save(buffer, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.png", buffer.getvalue())
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("x.png") as member:
        np.testing.assert_array_equal(read_image(member, "x.png"), noise(6, 6))
