"""Reference images that a card or a selection names: a file for every image, or some for each by its name."""

import re
from collections.abc import Mapping
from pathlib import Path

from bench.base.errors import UsageError
from bench.base.types import Pixels
from bench.categories.sources.local import open_path
from bench.images.decode import read_image

SAME = "same"
"""Another image of the category."""


def read_references(path: Path, image: str, category: str) -> Mapping[str, Pixels]:
    """Read the references of an image, by name.

    Args:
        path: an image for all; or a folder, .zip archive or LSUN database in which those of NAME are called NAME,
            NAME_1, NAME_2, ...
        image: the name with which it came.
        category: for the message.

    Raises:
        UsageError: when there is none.
        ImageError: when one cannot be read.
    """
    if path.is_file() and path.suffix.lower() != ".zip":
        return {path.stem: read_image(path, f"{path} as a reference of category {category}")}
    source, own = open_path(path), re.compile(re.escape(image) + r"(_\d+)?")
    names = [name for name in source.names() if own.fullmatch(name)]
    if not names:
        expected = f"{image}, or {image}_1, {image}_2, ..."
        raise UsageError(f"category {category} has no reference of {image} in {path}", expected=expected)
    return {name: source.read(name) for name in names}
