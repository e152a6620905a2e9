"""Files that are written whole or not at all."""

import hashlib
import os
import secrets
from pathlib import Path

from bench.base.errors import UsageError


def expand_path(text: str, where: str) -> Path:
    """Return a path that somebody wrote, with `~` and variables such as `$HOME` replaced.

    Args:
        text: the path.
        where: whose it is, for the message.

    Raises:
        UsageError: when there is no such home folder, or no path can look like this.
    """
    if "\0" in text:
        raise UsageError(f"path of {where} holds a null character", got=repr(text))
    try:
        return Path(os.path.expandvars(text)).expanduser()
    except RuntimeError as error:
        raise UsageError(f"path of {where}", got=text, expected="a home folder that there is") from error


def suite_datasets() -> Path:
    """Return the suite's folder `datasets`: inside the installed package, or else the checkout's."""
    installed = Path(__file__).parents[1] / "cards"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "datasets"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file: complete or not at all. Of processes that write the same one, the last to end wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def half_written(folder: Path) -> list[Path]:
    """Return what `write_atomically` left in a folder where it was killed."""
    return list(folder.glob(f".*.{'[0-9a-f]' * 8}.part"))


def file_digest(path: Path) -> str:
    """Return a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_stamp(path: Path) -> str:
    """Return a text that changes when a file may have changed, nothing for a file that is not there."""
    if not path.is_file():
        return ""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
