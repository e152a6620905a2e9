"""What a file is, by its first bytes: listings know pictures by it, and messages name what was taken for one."""

import re
from pathlib import Path

HEAD = 512
"""How many bytes `kind_of` wants to see."""

READABLE = ("PNG", "JPEG", "GIF", "BMP", "WebP", "AVIF", "JPEG 2000", "TIFF", "PPM")
"""The kinds of picture that `bench.images.decode` opens."""

_SIGNATURES = [
    ("PNG", rb"\x89PNG\r\n"),
    ("JPEG", rb"\xff\xd8\xff"),
    ("GIF", rb"GIF8[79]a"),
    ("BMP", rb"BM.{4}\0{4}"),
    ("WebP", rb"RIFF.{4}WEBP"),
    ("AVIF", rb".{4}ftypavi[fs]"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("TIFF", rb"II\*\0|MM\0\*|II\+\0\x08|MM\0\+\0\x08"),
    ("PPM", rb"P[1-6][\s#]"),
    ("HEIC picture", rb".{4}ftyp(?:hei|hev|mif1|msf1)"),
    ("JPEG XL picture", rb"\xff\x0a|\0{3}\x0cJXL "),
    ("OpenEXR picture", rb"v/1\x01"),
    ("Radiance picture", rb"#\?RADIANCE|#\?RGBE"),
    ("FITS picture", rb"SIMPLE  ="),
    ("PFM or PAM picture", rb"P[Ff7]\s"),
    ("DPX picture", rb"SDPX|XPDS"),
    ("Photoshop file", rb"8BPS"),
    ("film", rb".{4}(?:ftyp|moov)|\x1aE\xdf\xa3|RIFF.{4}AVI |\0\0\x01\xba"),
    ("PDF file", rb"%PDF"),
    ("HTML page", rb"(?i:\s*(?:<!--.{0,200}-->\s*)?<(?:!doctype html|html|head|body|script))"),
    ("XML or SVG file", rb"\s*<(?:\?xml|svg)"),
    ("git-lfs pointer", rb"version https://git-lfs"),
    ("pickle", rb"\x80[\x02-\x05]"),
    ("zip archive", rb"PK\x03\x04"),
    ("gzip archive", rb"\x1f\x8b"),
    ("7z or rar archive", rb"7z\xbc\xaf|Rar!"),
    ("safetensors file", rb".{4}\0{4}\{\s*[\"}]"),
    ("HDF5 file", rb"\x89HDF"),
    ("NumPy file", rb"\x93NUMPY"),
]
_KINDS = [(kind, re.compile(rb"(?:\xef\xbb\xbf)?" + pattern, re.DOTALL)) for kind, pattern in _SIGNATURES]
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def kind_of(head: bytes) -> str:
    """Return what a file is by its first `HEAD` bytes: a kind of picture, or a noun such as `HTML page`."""
    if not head:
        return "empty file"
    kind = next((kind for kind, pattern in _KINDS if pattern.match(head)), None)
    return kind or ("file of an unknown kind" if _BINARY.search(head) else "text file")


def kind_of_file(path: Path) -> str:
    """Return what a file is, as `kind_of`.

    Raises:
        OSError: when it cannot be read.
    """
    with path.open("rb") as file:
        return kind_of(file.read(HEAD))


def with_article(kind: str) -> str:
    """Return a kind in a sentence: `an HTML page`, `a PNG picture`."""
    noun = f"{kind} picture" if kind in READABLE else kind
    return f"{'an' if re.match('[aeioAEIO]|HTML|HDF|XML', noun) else 'a'} {noun}"
