"""Images of a dataset on the Hugging Face hub, or of one in its formats on this disk."""

import hashlib
import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.base.errors import ImageError, Unavailable, one_line
from bench.base.files import file_digest
from bench.base.source import Source
from bench.base.types import Pixels
from bench.images.decode import read_image


@dataclass(frozen=True)
class HubSource(Source):
    """Rows of one split, named by their number.

    Args:
        repository: `owner/name`, or a folder in one of the hub's formats.
        split: which part of it.
        column: the column that holds the image.
        revision: a commit; the newest when None, which may change what is compared.
    """

    name = "hub"

    repository: str
    split: str
    column: str = "image"
    revision: str | None = None

    def names(self) -> Sequence[str]:
        """Return the row numbers; see `Source.names`."""
        return [f"{row:06d}" for row in range(len(self._rows))]

    def read(self, name: str) -> Pixels:
        """Read one image from its file's bytes; see `Source.read`."""
        file, where = self._file(name), f"{self.repository}:{name}"
        if isinstance(file, bytes):
            return read_image(io.BytesIO(file), where)
        if not self._is_own(file):
            got = "an empty cell" if file == Path() else file
            raise ImageError(f"image {where} is not in its dataset", got=got, expected="a file of the dataset")
        return read_image(file, where)

    def stamp(self, name: str) -> str:
        """Return the fingerprint of all rows, for a row that is added moves those after it; see `Source.stamp`."""
        return str(self._rows._fingerprint)

    def content(self, name: str) -> str:
        """Return a digest of the row's file; see `Source.content`."""
        file = self._file(name)
        if isinstance(file, bytes):
            return hashlib.sha256(file).hexdigest()
        return file_digest(file) if self._is_own(file) and file.is_file() else ""

    def _file(self, name: str) -> bytes | Path:
        """Return the bytes of a row, or where it says that they are."""
        image = self._rows[int(name)][self.column] or {}
        content: bytes | None = image.get("bytes")
        return Path(image.get("path") or "") if content is None else content

    def _is_own(self, path: Path) -> bool:
        """Say whether a row's file is the dataset's: a row may name any path, and only such files are read."""
        config: Any = importlib.import_module("datasets.config")
        hub: Any = importlib.import_module("huggingface_hub.constants")
        roots = (self.repository, config.HF_CACHE_HOME, hub.HF_HUB_CACHE)
        return any(path.resolve().is_relative_to(Path(root).resolve()) for root in roots)

    @cached_property
    def _rows(self) -> Any:
        try:
            package: Any = importlib.import_module("datasets")
            load, image = package.load_dataset, package.Image
        except (ImportError, AttributeError) as error:  # in a checkout the name finds the folder of cards
            what = f"dataset {self.repository} needs the package datasets to be read"
            raise Unavailable(what, remedy="pip install 'glean-bench[sources]'") from error
        try:
            rows = load(self.repository, split=self.split, revision=self.revision)
            return rows.cast_column(self.column, image(decode=False))
        except Exception as error:  # a network, a hub or a name that fails, each with errors of its own
            what = f"dataset {self.repository} cannot be had: {one_line(error)}"
            raise Unavailable(what, remedy="check its name, split and column, and the network") from error
