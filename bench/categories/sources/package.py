"""Images that an installed Python package carries."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.base.errors import Unavailable, UsageError
from bench.base.filenames import is_inside
from bench.base.source import Source
from bench.base.types import Pixels
from bench.categories.sources.folder import FolderSource


@dataclass(frozen=True)
class PackageSource(Source):
    """Image files in a package's folder, named by their stem; the package is not imported.

    Args:
        package: its import name.
        folder: where in it the images are.
        install: what to give to pip when it is missing.
    """

    name = "package"

    package: str
    folder: str
    install: str

    def __post_init__(self) -> None:
        # A dotted name would be looked up by importing what stands before the dot.
        if not self.package.isidentifier() or not is_inside(self.folder):
            got = f"package {self.package!r} and folder {self.folder!r}"
            expected = "the name of one package, and a folder inside it"
            raise UsageError("images of a package", got=got, expected=expected)

    def names(self) -> Sequence[str]:
        """Return the filenames; see `Source.names`."""
        return self._images.names()

    def read(self, name: str) -> Pixels:
        """Read one image; see `Source.read`."""
        return self._images.read(name)

    @cached_property
    def _images(self) -> FolderSource:
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise Unavailable(f"package {self.package} is not installed", remedy=f"pip install {self.install}")
        return FolderSource(Path(spec.submodule_search_locations[0]) / self.folder)
