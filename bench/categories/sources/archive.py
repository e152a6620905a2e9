"""Images in a .zip archive. Nothing is ever unpacked to disk, so no member's path can lead anywhere."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath

from bench.base.errors import ImageError, UsageError
from bench.base.signatures import HEAD
from bench.base.source import Source
from bench.base.types import Pixels
from bench.images.decode import SUFFIXES, read_image
from bench.images.listing import Listing, list_files

_MAX_BYTES = 1 << 29
_NAMES = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "lzma"}
_AGAIN = "make the archive again"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compressions that are unpacked piece by piece: `zipfile` unpacks any other as a whole, whatever its size."""


_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, KeyError)
"""What `zipfile` raises on damaged archives, NotImplementedError and UnicodeError among the kinds of these."""


@dataclass(frozen=True)
class ArchiveSource(Source):
    """Image members, named as `bench.images.listing` says, in natural order.

    Args:
        path: the archive.
    """

    path: Path

    def names(self) -> Sequence[str]:
        """Return the filenames; see `Source.names`."""
        return list(self._members)

    def read(self, name: str) -> Pixels:
        """Read one image; see `Source.read`."""
        member = self._members[name]
        where = f"{self.path}:{member}"
        return read_image(io.BytesIO(self._unpack(member, where)), where)

    def remarks(self) -> Sequence[str]:
        """Say what was left out; see `Source.remarks`."""
        return self._listing.remarks

    def stamp(self, name: str) -> str:
        """Return the checksum and size that the archive has of it; see `Source.stamp`."""
        info = self._infos[self._members[name]]
        return f"{info.CRC:08x} {info.file_size}"

    def origin(self) -> str:
        """Return the archive's path."""
        return str(self.path.resolve())

    def _unpack(self, member: str, where: str, size: int | None = None) -> bytes:
        try:
            info = self._infos[member]
            _check(info, where)
            with self._archive.open(info) as opened:
                return opened.read(size or info.file_size)  # with no size it would unpack up to 2 GiB at once
        except _UNREADABLE as error:
            raise ImageError(f"image {where} cannot be unpacked: {error}", remedy=_AGAIN) from error

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        """The archive, whose directory is read once."""
        return zipfile.ZipFile(self.path)

    @cached_property
    def _infos(self) -> Mapping[str, zipfile.ZipInfo]:
        try:
            return {info.filename: info for info in self._archive.infolist() if not info.is_dir()}
        except _UNREADABLE as error:
            raise UsageError(f"{self.path} is not a usable .zip archive: {error}") from error

    @cached_property
    def _members(self) -> Mapping[str, str]:
        return {name: self._paths[path] for name, path in self._listing.by_name().items()}

    @cached_property
    def _listing(self) -> Listing:
        return list_files(self.path, self._paths, self._head)

    @cached_property
    def _paths(self) -> Mapping[PurePath, str]:
        # Some programs write backslashes.
        return {PurePosixPath(name.replace("\\", "/")): name for name in self._infos}

    def _head(self, path: PurePath) -> bytes | str:
        if path.suffix.lower() in SUFFIXES:
            return b""
        try:
            return self._unpack(self._paths[path], str(path), HEAD)
        except ImageError:
            return "unreadable file"


def _check(member: zipfile.ZipInfo, where: str) -> None:
    """Refuse a bomb by what the directory says: `zipfile` unpacks no more than that."""
    if member.compress_type not in _METHODS:
        got = _NAMES.get(member.compress_type, f"method {member.compress_type}")
        raise ImageError(
            f"image {where} is packed in an unusual way", got=got, expected="stored or deflate", remedy=_AGAIN
        )
    if member.file_size > _MAX_BYTES:
        got, expected = f"{member.file_size >> 20} MiB", f"at most {_MAX_BYTES >> 20} MiB unpacked"
        raise ImageError(f"image {where} is too large", got=got, expected=expected)
