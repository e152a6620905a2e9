"""Images that a person has got by following a card's instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.assets.declare import Asset, home
from bench.base.errors import Unavailable
from bench.base.types import Pixels
from bench.categories.sources import Source, expanded, open_path


@dataclass(frozen=True)
class LocalSource:
    """A folder, .zip archive or LSUN database, looked for only when its images are asked for.

    Args:
        name: the category's; its data lie at `datasets/NAME` or `datasets/NAME.zip` of the cache folder.
        how_to_get: what a person must do when they are not there.
        folder: where the card lies.
        path: where the data lie instead, from the card's folder.
    """

    name: str
    how_to_get: str
    folder: Path
    path: str | None = None

    def names(self) -> Sequence[str]:
        """Return the image names; see `bench.categories.sources.Source.names`."""
        return self._found.names()

    def read(self, name: str) -> Pixels:
        """Read one image; see `bench.categories.sources.Source.read`."""
        return self._found.read(name)

    def assets(self) -> Sequence[Asset]:
        """Return nothing: no program can fetch these data."""
        return ()

    def stamp(self, name: str) -> str:
        """Return its source's own; see `bench.categories.sources.Source.stamp`."""
        return self._found.stamp(name)

    @cached_property
    def _found(self) -> Source:
        if self.path is not None:
            return open_path(self.folder / expanded(self.path, f"category {self.name}"))
        place = home() / "datasets" / self.name
        for path in (place, place.with_name(f"{self.name}.zip")):
            if path.exists():
                return open_path(path)
        remedy = f"{self.how_to_get.rstrip('.')}; then put it there, or point at it with {self.name}=PATH"
        raise Unavailable(f"no data of category {self.name} at {place}", remedy=remedy)
