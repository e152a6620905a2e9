"""Files that are written whole or not at all."""

import hashlib
import os
import secrets
from pathlib import Path


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
    """Return a file's size and time, nothing for a file that is not there."""
    if not path.is_file():
        return ""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"
