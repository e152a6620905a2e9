"""A user's own images as training items: cropped to the bank's square, shrunk by the protocol, kept in memory."""

import hashlib
from pathlib import Path

from bench import UsageError
from bench.base.files import file_digest
from bench.images.decode import SUFFIXES, read_image
from bench.images.listing import image_files
from bench.images.prepare import parse_preparation
from methods.shared.training.samples import Item, shrink


def read_folder(folder: Path, resolution: int, size: int, sides: tuple[int, ...]) -> list[Item]:
    """Read every image of a folder.

    Args:
        folder: searched with all its subfolders, but hidden ones, in the order of the names.
        resolution: the side of the centre crop.
        size: the side that HR is averaged down to.
        sides: the LR sides.

    Raises:
        UsageError: when there is no image.
        ImageError: when one cannot be read, or is smaller than the crop.
    """
    paths = image_files(folder)
    if not paths:
        raise UsageError(f"no image to train on in {folder}", expected=", ".join(sorted(SUFFIXES)))
    prepare = parse_preparation(f"centre-crop:{resolution}")
    images = (prepare(read_image(path, path.name), path.name) for path in paths)
    return [shrink(image, size, sides) for image in images]


def folder_digest(folder: Path) -> str:
    """Return the sha256 of the files that `read_folder` reads, in its order."""
    return hashlib.sha256("".join(map(file_digest, image_files(folder))).encode()).hexdigest()
