"""Reference images that a card or a selection names: a file for every image, or some for each by its name."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.base.errors import UsageError
from bench.base.source import Source
from bench.base.types import Pixels
from bench.categories.sources.local import open_path
from bench.images.decode import read_image

SAME = "same"
"""Another image of the category."""


@dataclass(frozen=True)
class ReferenceFiles:
    """The references that lie at a path, which is listed once.

    Args:
        path: an image for all; or a folder, .zip archive or LSUN database in which those of NAME are called NAME,
            NAME_1, NAME_2, ...
    """

    path: Path

    def read(self, image: str, category: str) -> Mapping[str, Pixels]:
        """Read the references of an image, by name.

        Args:
            image: the name with which it came.
            category: for the message.

        Raises:
            UsageError: when there is none.
            ImageError: when one cannot be read.
        """
        path = self.path
        if path.is_file() and path.suffix.lower() != ".zip":
            return {path.stem: read_image(path, f"{path} as a reference of category {category}")}
        names = self._by_image.get(image)
        if not names:
            expected = f"{image}, or {image}_1, {image}_2, ..."
            raise UsageError(f"category {category} has no reference of {image} in {path}", expected=expected)
        return {name: self._source.read(name) for name in names}

    @cached_property
    def _source(self) -> Source:
        return open_path(self.path)

    @cached_property
    def _by_image(self) -> Mapping[str, Sequence[str]]:
        by_image: defaultdict[str, list[str]] = defaultdict(list)
        for name in self._source.names():
            for image in {name, re.sub(r"_\d+\Z", "", name)}:
                by_image[image].append(name)
        return by_image
