"""The source that a path of a user means."""

from pathlib import Path

from bench.base.errors import UsageError
from bench.base.source import Source


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


def expand(text: str, where: str) -> Path:
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
