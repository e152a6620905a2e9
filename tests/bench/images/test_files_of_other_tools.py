"""Image files written by ImageMagick, libvips and ffmpeg: read as their maker reads them, or refused with the reason.

Each is skipped where its program is not installed (Debian: imagemagick, libvips-tools, ffmpeg).
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.base.errors import ImageError
from bench.images.decode import read_image

MAGICK, VIPS, FFMPEG = "convert in.png {} out", "vips {}", "ffmpeg -v error -i in.png {} -frames:v 1 out"
READ_BACK = {
    "convert": "convert out -depth 8 ppm:back.ppm",
    "vips": "vips copy out back.ppm",
    "ffmpeg": "ffmpeg -v error -i out -pix_fmt rgb24 back.ppm",
}
"""What decodes a picture independently, by the program that made it."""

READ = [
    (MAGICK, "palette.png", "-colors 200 -type Palette"),
    (MAGICK, "bits.png", "-monochrome"),
    (MAGICK, "arithmetic.jpg", "-define jpeg:arithmetic-coding=true"),
    (MAGICK, "fax.tif", "-monochrome -compress Group4"),
    (MAGICK, "runs.bmp", "-colors 200 -compress RLE"),
    (MAGICK, "reversible.jp2", "-quality 0"),
    (VIPS, "tiled.tif", "copy in.png tiled.tif[tile,compression=deflate]"),
    (VIPS, "zstd.tif", "copy in.png zstd.tif[compression=zstd]"),
    (VIPS, "ascii.ppm", "copy in.png ascii.ppm[ascii]"),
    (FFMPEG, "one.apng", "-plays 0"),
    (FFMPEG, "grey_alpha.png", "-pix_fmt ya8"),
    (FFMPEG, "565.bmp", "-pix_fmt rgb565le"),
    (FFMPEG, "packed.tif", "-compression_algo packbits"),
]
REFUSED = [
    (MAGICK, "deep.png", "-depth 16 -define png:bit-depth=16", "more than 8 bits"),
    (MAGICK, "lab.tif", "-colorspace Lab", "colour mode LAB"),
    (MAGICK, "moving.gif", "in.png", "2 frames"),
    (MAGICK, "stars.fits", "", "a FITS picture"),
    (MAGICK, "floats.pfm", "", "a PFM or PAM picture"),
    (VIPS, "pyramid.tif", "copy in.png pyramid.tif[tile,pyramid,tile-width=16,tile-height=16]", "4 frames"),
    (VIPS, "floats.tif", "cast in.png floats.tif float", "TIFF picture that is damaged or of an unusual form"),
    (VIPS, "light.hdr", "copy in.png light.hdr", "a Radiance picture"),
    (FFMPEG, "near.jls", "-c:v jpegls", "JPEG picture that is damaged or of an unusual form"),
    (FFMPEG, "scan.dpx", "", "a DPX picture"),
    (FFMPEG, "film.mp4", "", "a film"),
]  # fmt: skip


def make(folder: Path, program: str, name: str, options: str) -> Path:
    """Write an image by a program, and return its path."""
    command = program.replace("out", name).format(options)
    if not shutil.which(shlex.split(command)[0]):
        pytest.skip(f"{shlex.split(command)[0]} is not installed")
    rng = np.random.default_rng(7)
    smooth = Image.fromarray(rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)).resize(
        (96, 64), Image.Resampling.BICUBIC
    )
    smooth.save(folder / "in.png")
    done = subprocess.run(shlex.split(command), cwd=folder, capture_output=True, text=True, check=False)
    path = folder / name
    if not path.exists():
        pytest.skip(f"{command} cannot write it: {done.stderr.strip()[:80]}")
    return path


@pytest.mark.parametrize(("program", "name", "options"), READ, ids=[row[1] for row in READ])
def test_pictures_are_read_as_their_maker_reads_them(program, name, options, tmp_path):
    path = make(tmp_path, program, name, options)
    back = READ_BACK[program.split(maxsplit=1)[0]].replace("out", path.name)
    subprocess.run(shlex.split(back), cwd=tmp_path, capture_output=True, check=True)
    with Image.open(tmp_path / "back.ppm") as theirs:
        # One level, as 5 bits become 8 in two ways.
        np.testing.assert_allclose(read_image(path, path.name), np.asarray(theirs.convert("RGB")), atol=1, rtol=0)


@pytest.mark.parametrize(("program", "name", "options", "words"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_cannot_be_used_is_refused_in_one_right_sentence(program, name, options, words, tmp_path):
    path = make(tmp_path, program, name, options)
    with pytest.raises(ImageError, match=words) as caught:
        read_image(path, path.name)
    assert "\n" not in str(caught.value)
