"""Which files of a folder or an archive are its images, and how they are called: the one place that decides.

A file is an image by its suffix, or without a bare one by its first bytes. Links are followed, each folder once.
What an operating system, an editor or a photo server leaves beside pictures is passed over in silence; every other
file that is no image is counted, so that nothing vanishes without a word.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from bench.base.errors import UsageError
from bench.base.signatures import HEAD, READABLE, kind_of
from bench.images.decode import SUFFIXES

_RAW = frozenset({".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"})
"""Cameras' raw files, whose first bytes are those of a TIFF and whose first picture is a thumbnail."""
_IGNORED = re.compile(
    r"\.(?!\.$)|~\$|#.*#$|.*~$|.*\.(bak|tmp|part|crdownload|orig|swp)$"
    r"|(__MACOSX|@eaDir|#recycle|\$RECYCLE\.BIN|System Volume Information|lost\+found|Thumbs\.db|desktop\.ini)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Listing:
    """The image files of a folder or an archive.

    Attributes:
        where: the folder or archive, for messages.
        files: their paths inside it, in natural order of their names.
        left_out: what the other files are, and how many.
    """

    where: Path
    files: list[PurePath]
    left_out: Counter[str]

    @property
    def remarks(self) -> list[str]:
        """One sentence about what was left out, if anything was."""
        left, total = self.left_out.total(), self.left_out.total() + len(self.files)
        return [f"{left} of {total} files in {self.where} left out: {self._reasons()}"] if left else []

    def by_name(self) -> Mapping[str, PurePath]:
        """Return the files by name in NFC: without suffix, and with its folders where two have one name otherwise.

        Raises:
            UsageError: when there is no image, or two have one name even so.
        """
        if not self.files:
            expected = f"pictures: {', '.join(READABLE)}"
            raise UsageError(f"no image in {self.where}", got=self._reasons() or "no file", expected=expected)
        names = [name_of(PurePath(path.name)) for path in self.files]
        if len(set(names)) < len(names):
            names = [name_of(path) for path in self.files]
        images: dict[str, PurePath] = {}
        for name, path in zip(names, self.files, strict=True):
            if images.setdefault(name, path) != path:
                both = f"{images[name].as_posix()} and {path.as_posix()}"
                remedy = "rename one, or name a folder that holds only one of them"
                raise UsageError(f"two images of {self.where} have one name", got=both, remedy=remedy)
        return images

    def _reasons(self) -> str:
        return ", ".join(f"{n} {_plural(kind) if n > 1 else kind}" for kind, n in sorted(self.left_out.items()))


def list_folder(folder: Path) -> Listing:
    """List a folder and its subfolders.

    Raises:
        OSError: when the folder itself cannot be read.
    """
    next(folder.iterdir(), None)
    unreadable: list[OSError] = []
    paths = _walk(folder, unreadable.append)
    listing = list_files(folder, paths, lambda path: _head(folder / path))
    listing.left_out.update({"unreadable folder": len(unreadable)} if unreadable else {})
    return listing


def list_files(where: Path, paths: Iterable[PurePath], head: Callable[[PurePath], bytes | str]) -> Listing:
    """Sort files into images and others.

    Args:
        where: the folder or archive.
        paths: of the files, relative to it.
        head: returns the first bytes of a file, or why it has none; none are needed where the suffix tells.
    """
    files, left_out = [], Counter[str]()
    for path in paths:
        if any(map(_IGNORED.match, path.parts)):
            continue
        if reason := _reason(path, head):
            left_out[reason] += 1
        else:
            files.append(path)
    return Listing(where, sorted(files, key=lambda path: (natural_key(path.stem), path.as_posix())), left_out)


def name_of(path: PurePath) -> str:
    """Return how an image is called, in NFC: its path without an image's suffix."""
    bare = path.with_suffix("") if path.suffix.lower() in SUFFIXES else path
    parts = (part for part in bare.parts if part not in ("..", path.anchor))
    return unicodedata.normalize("NFC", "/".join(parts))


def natural_key(text: str) -> tuple[list[str | tuple[int, str]], str]:
    """Return a sort key by which `image2` comes before `image10`, however many digits there are."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return [_number(part) if place % 2 else part for place, part in enumerate(parts)], text


def _number(digits: str) -> tuple[int, str]:
    # Not int(): it refuses more than 4300 digits, and a name in an archive may have 65,535.
    plain = digits.lstrip("0")
    return len(plain), plain


def _walk(folder: Path, on_error: Callable[[OSError], object]) -> Iterable[PurePath]:
    seen: set[tuple[int, int]] = set()
    for root, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        status, here = Path(root).stat(), PurePath(root).relative_to(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted((name for name in folders if not _IGNORED.match(name)), key=_real_first(root))
        yield from (here / name for name in files)


def _real_first(root: str) -> Callable[[str], tuple[bool, str]]:
    """Return a key that puts links last: a folder is listed where it is, not where a link shows it."""
    return lambda name: (Path(root, name).is_symlink(), name)


def _reason(path: PurePath, head: Callable[[PurePath], bytes | str]) -> str | None:
    """Return what a file is that is no image, or None."""
    suffix = path.suffix.lower()
    if suffix in _RAW:
        return "camera raw file"
    content = head(path)
    if isinstance(content, str) or suffix in SUFFIXES:
        return content if isinstance(content, str) else None
    kind = kind_of(content)
    return None if kind in READABLE else kind


def _head(path: Path) -> bytes | str:
    try:
        if not path.is_file():
            return "broken link" if path.is_symlink() else "special file"
        if path.suffix.lower() in SUFFIXES:
            return b""
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return "unreadable file"


def _plural(kind: str) -> str:
    noun, of, rest = kind.partition(" of ")
    return f"{noun}s{of}{rest}"
