"""Which files of a folder or an archive are its images, and in which order: the one place that decides."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

from bench.base.errors import UsageError
from bench.images.decode import SUFFIXES


def image_files(folder: Path, *, recursive: bool = True) -> list[Path]:
    """Return the image files of a folder and its subfolders, sorted by path; hidden ones are left out."""
    paths = folder.rglob("*") if recursive else folder.iterdir()
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in SUFFIXES and path.is_file() and not _is_hidden(path.relative_to(folder))
    )


def by_filename(paths: Iterable[PurePath], where: Path) -> Mapping[str, PurePath]:
    """Return image files by name without suffix, in natural order; hidden files and folders are left out.

    Args:
        paths: of files, relative to the folder or archive.
        where: the folder or archive, for the message.

    Raises:
        UsageError: when there is no image, or two have one name.
    """
    files = [path for path in paths if not _is_hidden(path)]
    images: dict[str, PurePath] = {}
    for path in sorted(files, key=lambda path: (natural_key(path.stem), path.as_posix())):
        if path.suffix.lower() in SUFFIXES and images.setdefault(path.stem, path) != path:
            both = f"{images[path.stem].as_posix()} and {path.as_posix()}"
            remedy = "rename one, or name a folder that holds only one of them"
            raise UsageError(f"two images of {where} have one name", got=both, remedy=remedy)
    if not images:
        suffixes = sorted({path.suffix.lower() for path in files} - {""})
        got = f"files with {', '.join(suffixes)}" if suffixes else "no file"
        raise UsageError(f"no image in {where}", got=got, expected=", ".join(sorted(SUFFIXES)))
    return images


def natural_key(text: str) -> tuple[list[str | tuple[int, str]], str]:
    """Return a sort key by which `image2` comes before `image10`, however many digits there are."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return [_number(part) if place % 2 else part for place, part in enumerate(parts)], text


def _number(digits: str) -> tuple[int, str]:
    # Not int(): it refuses more than 4300 digits, and a name in an archive may have 65,535.
    plain = digits.lstrip("0")
    return len(plain), plain


def _is_hidden(path: PurePath) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.parts)
