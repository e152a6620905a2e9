"""Images in a .zip archive. Nothing is ever unpacked to disk, so no member's path can lead anywhere."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath

from bench.assets import Asset
from bench.contracts import Pixels
from bench.errors import ImageError, UsageError
from bench.images import read_image
from bench.sources import by_stem, file_stamp

MAX_BYTES = 1 << 29


@dataclass(frozen=True)
class ArchiveSource:
    """Image members, named by their stem, in natural order.

    Args:
        path: the archive.
    """

    path: Path

    def names(self) -> Sequence[str]:
        """Return the stems; see `bench.sources.Source.names`."""
        return list(self._members)

    def read(self, name: str) -> Pixels:
        """Read one image; see `bench.sources.Source.read`."""
        member = self._members[name]
        where = f"{self.path}:{member}"
        return read_image(io.BytesIO(self._unpack(member, where)), where)

    def assets(self) -> Sequence[Asset]:
        """Return nothing."""
        return ()

    def stamp(self, name: str) -> str:
        """Return the archive's size and time; see `bench.sources.Source.stamp`."""
        return file_stamp(self.path)

    def _unpack(self, member: str, where: str) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(member) as opened:
                content = opened.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise ImageError(
                f"image {where} cannot be unpacked: {error}", remedy="make the archive again"
            ) from error
        if len(content) > MAX_BYTES:
            raise ImageError(f"image {where} is too large", expected=f"at most {MAX_BYTES >> 20} MiB unpacked")
        return content

    @cached_property
    def _members(self) -> Mapping[str, str]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = [info.filename for info in archive.infolist() if not info.is_dir()]
        except (zipfile.BadZipFile, OSError) as error:
            raise UsageError(f"{self.path} is not a usable .zip archive: {error}") from error
        # Some programs write backslashes.
        paths: dict[PurePath, str] = {PurePosixPath(name.replace("\\", "/")): name for name in names}
        return {stem: paths[path] for stem, path in by_stem(paths, self.path).items()}
