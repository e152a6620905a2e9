"""Where images come from: one file a source.

A source lists its images and reads one; what is held out, how it is prepared and what it is called in a run is the
category's business (`bench.categories.category`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Protocol

from bench.base.errors import UsageError

if TYPE_CHECKING:
    from bench.assets.declare import Asset
    from bench.base.types import Pixels


class Source(Protocol):
    """A place that holds images. Its constructor opens nothing."""

    def names(self) -> Sequence[str]:
        """Return the name of every image, each once, in the source's order.

        Raises:
            UsageError: when the place cannot be read, holds no image, or two images share a name.
            Unavailable: when a package that reads it is not installed.
        """
        ...

    def read(self, name: str) -> Pixels:
        """Read one image.

        Raises:
            ImageError: when it cannot be used.
        """
        ...

    def assets(self) -> Sequence[Asset]:
        """Return the declared files that it needs."""
        ...

    def stamp(self, name: str) -> str:
        """Return a text that changes when a person may have changed the image's file; it reads no pixel."""
        ...


def open_path(path: Path) -> Source:
    """Return the source for a user's folder, .zip archive or LSUN database (a folder with `data.mdb`).

    Raises:
        UsageError: when it is none of them.
    """
    try:
        kind = _kind(path)
    except OSError as error:
        raise UsageError(f"no images at {path}", got=error.strerror) from error
    if kind == "database":
        from bench.categories.sources.lsun import LsunSource

        return LsunSource(path)
    if kind == "folder":
        from bench.categories.sources.folder import FolderSource

        return FolderSource(path)
    if kind == "a file" and path.suffix.lower() == ".zip":
        from bench.categories.sources.archive import ArchiveSource

        return ArchiveSource(path)
    got = "nothing there" if kind is None else "a file"
    raise UsageError(f"no images at {path}", got=got, expected="a folder, a .zip archive or an LSUN database")


def _kind(path: Path) -> str | None:
    if (path / "data.mdb").is_file():
        return "database"
    if path.is_dir():
        return "folder"
    return "a file" if path.exists() else None


def expanded(text: str, where: str) -> Path:
    """Return a path that somebody wrote, `~` replaced by the home folder.

    Raises:
        UsageError: when there is no such home folder, or no path can look like this.
    """
    if "\0" in text:
        raise UsageError(f"path of {where} holds a null character", got=repr(text))
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"path of {where}", got=text, expected="a home folder that there is") from error


def is_inside(name: str) -> bool:
    """Say whether a relative path stays in the folder that it starts from, on every system."""
    parts = re.split(r"[/\\\\]", name)
    return not (name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name)


def file_stamp(path: Path) -> str:
    """Return a file's size and time, nothing for a file that is not there."""
    if not path.is_file():
        return ""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def declared() -> dict[str, type[Any]]:
    """Return the sources that a card can name besides `local`, data that a person has got."""
    from bench.categories.sources.hub import HubSource
    from bench.categories.sources.package import PackageSource
    from bench.categories.sources.sampled import SampledSource

    return {"hub": HubSource, "package": PackageSource, "sampled": SampledSource}


def natural(text: str) -> tuple[list[str | tuple[int, str]], str]:
    """Return a sort key by which `image2` comes before `image10`, however many digits there are."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return [_number(part) if place % 2 else part for place, part in enumerate(parts)], text


def _number(digits: str) -> tuple[int, str]:
    # Not int(): it refuses more than 4300 digits, and a name in an archive may have 65,535.
    plain = digits.lstrip("0")
    return len(plain), plain


def by_stem(paths: Iterable[PurePath], where: Path) -> Mapping[str, PurePath]:
    """Return image files by name without suffix, in natural order; hidden files and folders are left out.

    Raises:
        UsageError: when there is none, or two files have one stem.
    """
    from bench.images.decode import SUFFIXES

    files = [path for path in paths if not any(_is_hidden(part) for part in path.parts)]
    found: dict[str, PurePath] = {}
    for path in sorted(files, key=lambda path: (natural(path.stem), path.as_posix())):
        if path.suffix.lower() in SUFFIXES and found.setdefault(path.stem, path) != path:
            both = f"{found[path.stem].as_posix()} and {path.as_posix()}"
            remedy = "rename one, or name a folder that holds only one of them"
            raise UsageError(f"two images of {where} have one name", got=both, remedy=remedy)
    if not found:
        suffixes = sorted({path.suffix.lower() for path in files} - {""})
        got = f"files with {', '.join(suffixes)}" if suffixes else "no file"
        raise UsageError(f"no image in {where}", got=got, expected=", ".join(sorted(SUFFIXES)))
    return found


def _is_hidden(part: str) -> bool:
    return part.startswith((".", "__MACOSX")) and part != ".."
