"""Reading images strictly: 8-bit sRGB comes out, or one error that names the file and the remedy.

Nothing is guessed. EXIF orientation is applied, an ICC profile converted to sRGB, grey and palettes become RGB, an
opaque alpha channel is dropped; whatever would need a decision (transparency, 16 bits, CMYK, several frames) is
refused.
"""

import io
import re
import warnings
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from bench.base.errors import ImageError
from bench.base.signatures import HEAD, READABLE, kind_of, with_article
from bench.base.types import Pixels

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "PPM", "GIF", "AVIF", "JPEG2000")
_SUFFIXES = (
    "png apng jpg jpeg jpe jfif webp bmp dib tif tiff ppm pgm pbm pnm gif avif jp2 j2k j2c jpc jpf jpx"  # Pillow's
)
SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())
MAX_PIXELS = 64_000_000
_MAX_SIDE = 32_768
"""The kernel of a resize is a dense matrix: a longer side would need gigabytes for a few bytes of file."""

_MAX_SCANS = 200
"""Each may cost 94 bytes and a pass over the whole picture, 0.25 s at 62 megapixels; cameras write 1 to 10."""

SIZE_LIMIT = f"at most {MAX_PIXELS // 1_000_000} megapixels and {_MAX_SIDE:,} pixels a side"

_CONVERT = "save it again as 8-bit RGB PNG"
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In the data of a scan, 0xFF is followed by nothing but 0x00 and 0xD0 to 0xD7."""


def read_image(file: Path | BinaryIO, name: str) -> Pixels:
    """Read one image.

    Args:
        file: a path, or an open binary file that can seek.
        name: how errors call it.

    Raises:
        ImageError: when it is missing, damaged, too large, or not plainly an 8-bit picture.
    """
    if isinstance(file, Path):
        try:
            with file.open("rb") as opened:
                return read_image(opened, name)
        except OSError as error:
            raise ImageError(f"image {name} cannot be opened: {error.strerror}") from error
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # Pillow only warns of damaged metadata, and of sizes that are refused here
        return _decode(_open(file, name), name)


def _open(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    if not file.read(1):
        raise ImageError(f"image {name} is empty", got="0 bytes", remedy="copy or download it again")
    file.seek(0)
    if (scans := _scans(file)) > _MAX_SCANS:
        expected = f"at most {_MAX_SCANS}"
        raise ImageError(
            f"image {name} is a decompression bomb", got=f"{scans} scans", expected=expected, remedy=_CONVERT
        )
    try:
        return Image.open(file, formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise _unidentified(file, name) from error
    except Image.DecompressionBombError as error:
        raise _too_large(name, "a decompression bomb") from error
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise _damaged(name, error) from error


def _unidentified(file: BinaryIO, name: str) -> ImageError:
    file.seek(0)
    kind = kind_of(file.read(HEAD))
    if kind in READABLE:
        got, expected = f"{with_article(kind)} that is damaged or of an unusual form", "8-bit RGB"
        return ImageError(f"image {name} cannot be read", got=got, expected=expected, remedy=_CONVERT)
    expected = f"one of {', '.join(READABLE)}"
    return ImageError(f"{name} is not an image", got=with_article(kind), expected=expected, remedy=_CONVERT)


def _scans(file: BinaryIO) -> int:
    """Count the scans of a JPEG up to the end of its image: what follows may be a film."""
    content = file.read() if file.read(2) == b"\xff\xd8" else b""
    file.seek(0)
    at, scans = 0, 0  # after the start of the image, which was read
    while match := _JPEG_MARKER.search(content, at):
        marker, at = content[match.start() + 1], match.end()
        if marker == 0xD9:
            break
        scans += marker == 0xDA
        at += int.from_bytes(content[at : at + 2])  # a segment begins with its length
    return scans


def _decode(image: ImageFile.ImageFile, name: str) -> Pixels:
    if image.width * image.height > MAX_PIXELS or max(image.size) > _MAX_SIDE:
        raise _too_large(name, f"{image.width}x{image.height}")
    profile = image.info.get("icc_profile")
    try:
        refusal = _refusal(image)
        upright = image if refusal else ImageOps.exif_transpose(image)
        if not refusal and _has_alpha(upright):
            refusal, upright = _without_alpha(upright)
    except Exception as error:  # as above
        raise _damaged(name, error) from error
    if refusal:
        raise ImageError(f"image {name} cannot be used", got=refusal, expected="8-bit RGB", remedy=_CONVERT)
    return np.array(_to_srgb(upright, profile, name) if profile else upright.convert("RGB"))


def _refusal(image: ImageFile.ImageFile) -> str | None:
    """Say what an image is that cannot be used as it stands, from its header."""
    # A Multi Picture Object is a camera's JPEG with previews after the photograph.
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        return f"{image.n_frames} frames"  # type: ignore[attr-defined]
    if _is_deep(image):
        return "more than 8 bits a channel"
    if image.mode not in ("RGB", "L", "P", "1", "RGBA", "LA", "PA", "RGBa", "La"):
        return f"colour mode {image.mode}"
    return None


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _without_alpha(image: Image.Image) -> tuple[str | None, Image.Image]:
    """Return why an image's alpha cannot be dropped, or None, and the image without it."""
    alpha = image.convert("RGBA")
    is_opaque = alpha.getchannel("A").getextrema() == (255, 255)
    return None if is_opaque else "an alpha channel that is not opaque", alpha.convert("RGB")


def _is_deep(image: ImageFile.ImageFile) -> bool:
    if image.mode.startswith(("I", "F")):
        return True
    # Pillow silently drops the low byte of 16-bit colour: only how the file will be decoded still tells.
    if image.format in ("AVIF", "JPEG2000"):
        return _coded_bits(image) > 8
    decoders = [(tile[0], tile[3]) for tile in image.tile]
    # BGR;16 are 5, 6 and 5 bits.
    return any(
        re.search(r"(?<!BGR);16", str(args))
        or (decoder.startswith("ppm") and isinstance(args, tuple) and args[1] > 255)
        for decoder, args in decoders
    )


def _coded_bits(image: ImageFile.ImageFile) -> int:
    """Return the bits a channel of an AVIF (box `av1C`) or JPEG 2000 (marker SIZ): Pillow makes 8 of them."""
    file = cast(BinaryIO, image.fp)
    at = file.tell()
    file.seek(0)
    head = file.read(1 << 16)
    file.seek(at)
    if image.format == "AVIF":
        _, _, box = head.partition(b"av1C")
        return 8 if len(box) < 3 or not box[2] & 0x40 else 12 if box[2] & 0x20 else 10
    _, _, size = head.partition(b"\xff\x4f\xff\x51")
    return (size[38] & 0x7F) + 1 if len(size) > 38 else 8


def _to_srgb(image: Image.Image, profile: bytes, name: str) -> Image.Image:
    """Convert perceptually; the pixels of an image that is already sRGB stay as they are."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != "GRAY" or image.mode != "L":
            image = image.convert("RGB")
            if _is_identity(source):
                return image
        return _transform(image, source)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        remedy = "convert it to sRGB, or remove the profile if the picture is sRGB"
        raise ImageError(f"image {name} has an unusable colour profile: {error}", remedy=remedy) from error


def _transform(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    done = ImageCms.profileToProfile(image, source, srgb, ImageCms.Intent.PERCEPTUAL, outputMode="RGB")
    return cast(Image.Image, done)


def _is_identity(source: ImageCms.ImageCmsProfile) -> bool:
    """Say whether a profile moves no colour of a 17^3 lattice by more than one level: then it is sRGB."""
    levels = np.linspace(0, 255, 17).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 17, 3)
    moved = np.asarray(_transform(Image.fromarray(lattice), source)).astype(int) - lattice
    return int(np.abs(moved).max()) <= 1


def _too_large(name: str, got: str) -> ImageError:
    return ImageError(f"image {name} is too large", got=got, expected=SIZE_LIMIT, remedy="make it smaller")


def _damaged(name: str, error: Exception) -> ImageError:
    if "MAX_TEXT_" in str(error) or "Decompressed data too large" in str(error):
        got, expected = "a colour profile or text that is larger", "at most 1 MiB unpacked"
        return ImageError(f"image {name} cannot be used", got=got, expected=expected, remedy=_CONVERT)
    return ImageError(f"image {name} is damaged: {error}", remedy="copy or download it again")
