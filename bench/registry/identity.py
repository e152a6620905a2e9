"""The identity of a method: a digest of its name, options, files and code, by content and never by path."""

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

from bench.assets.declare import Asset
from bench.assets.fetch import fetch
from bench.base import options, toml
from bench.base.code import code_digest, reachable
from bench.base.errors import AssetError, UsageError
from bench.base.files import file_digest
from bench.base.method import Method


def identity(method: Method) -> str:
    """Return the digest of a method's name, options, files and code."""
    paths = _paths(method.options)
    files = [*covered_files(method)]
    covered = {file.resolve() for file in files if isinstance(file, Path)}
    plain = {
        name: _plain(value, covered)
        for name, value in options.describe(method.options).items()
        if name not in paths
    }
    parts = {
        "name": method.name,
        "options": plain,
        "files": [[_name(file, paths.values()), _digest(file)] for file in files],
        "code": [code_digest(path) for path in sources(type(method))],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sources(cls: type) -> list[Path]:
    """Return every file of code that a method can run; see `bench.base.code.reachable`."""
    return reachable(Path(inspect.getfile(cls)))


def covered_files(method: Method) -> Iterator[Asset | Path]:
    """Yield the files besides code that a method's identity holds: its assets, and what its options name."""
    assets = method.assets()
    yield from assets
    covered = {file.resolve() for file in assets if isinstance(file, Path)}
    for path in _paths(method.options).values():
        if path.is_file() and path.resolve() not in covered:
            yield path
        elif path.is_dir() and not any(file.is_relative_to(path.resolve()) for file in covered):
            yield from sorted(file for file in path.rglob("*") if file.is_file())


def _paths(values: Any) -> dict[str, Path]:
    """Return the options that name a file or folder that is there."""
    every = {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}
    return {name: value for name, value in every.items() if isinstance(value, Path) and value.exists()}


def _plain(value: Any, covered: Set[Path]) -> Any:
    """Return the value of an option; of a text with the path of a file, `biggan:PATH`, what stands before it."""
    kind, _, path = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    return kind if path and Path(path).expanduser().resolve() in covered else value


def _name(file: Asset | Path, folders: Iterable[Path]) -> str:
    """Return what a file is called in the folder that an option names; nothing for others."""
    if isinstance(file, Asset):
        return ""
    inside = (folder for folder in folders if folder.is_dir() and file.is_relative_to(folder))
    return next((file.relative_to(folder).as_posix() for folder in inside), "")


def _digest(file: Asset | Path) -> str:
    """Return a declared file's digest as it is declared, that of another by what it says.

    A file that cannot be had costs the method's own cells, which say so, and not a whole run.
    """
    if isinstance(file, Asset):
        try:
            return file.sha256 or file_digest(fetch(file))
        except AssetError:
            return f"{file.name} is not here"
    if file.suffix == ".py":
        return code_digest(file)
    if file.suffix == ".toml":
        try:
            return hashlib.sha256(json.dumps(toml.read(file), sort_keys=True, default=str).encode()).hexdigest()
        except UsageError:
            pass
    return file_digest(file)
