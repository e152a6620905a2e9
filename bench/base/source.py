"""The base class of every source: a place that images come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from bench.base.types import Pixels

if TYPE_CHECKING:
    from bench.assets.declare import Asset

MOST_IMAGES = 10_000_000
"""What a range or a bank may give; a list of more would fill the memory before its first image is read."""


class Source(ABC):
    """A frozen dataclass whose fields are a card's settings; making it opens nothing.

    Attributes:
        name: by which a card selects it; a source that only a path can mean has none.
        default_count: how many images a run takes when nobody says; all when None.
    """

    name: ClassVar[str]
    default_count: ClassVar[int | None] = None

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Return the name of every image, each once, in the source's order.

        Raises:
            UsageError: when the place cannot be read, holds no image, or two images share a name.
            Unavailable: when the data or a package that reads them are not here.
        """

    @abstractmethod
    def read(self, name: str) -> Pixels:
        """Read one image, uint8 RGB (H, W, 3).

        Raises:
            ImageError: when it cannot be used.
        """

    def assets(self) -> Sequence[Asset]:
        """Return the declared files that it needs."""
        return ()

    def remarks(self) -> Sequence[str]:
        """Return what a person should hear of the place, such as how many of its files are no images."""
        return ()

    def stamp(self, name: str) -> str:
        """Return a text that changes when a person may have changed the image's file; it reads no pixel.

        Empty for content that is fixed.
        """
        return ""

    def content(self, name: str) -> str:
        """Return a digest of the image's file, so that one of another time is not decoded again.

        Empty where `stamp` is of the content already.
        """
        return ""

    def origin(self) -> str:
        """Return where the images come from: an equal text says that it is the same place."""
        return repr(self)
