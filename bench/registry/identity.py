"""The identity of a method: a digest of its name, options, weights and source, so an edited one is another."""

import ast
import hashlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path

from bench.assets.declare import Asset
from bench.assets.fetch import fetch
from bench.base import options
from bench.base.errors import AssetError
from bench.base.files import file_digest
from bench.base.method import Method


def identity(method: Method) -> str:
    """Return the digest of a method's name, options, weights and source."""
    parts = {
        "name": method.name,
        "options": options.describe(method.options),
        "weights": [_weights_digest(file) for file in method.assets()],
        "source": [file_digest(path) for path in sources(type(method))],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _weights_digest(file: Asset | Path) -> str:
    """Return a declared file's digest as it is declared, that of a user's own as read.

    A file that cannot be had costs the method's own cells, which say so, and not a whole run.
    """
    if isinstance(file, Path):
        return file_digest(file)
    try:
        return file.sha256 or file_digest(fetch(file))
    except AssetError:
        return f"{file.name} is not here"


def sources(cls: type) -> list[Path]:
    """Return a method's file and every file of the `methods` package that it imports, in turn."""
    seen: set[Path] = set()
    queue = [Path(inspect.getfile(cls)).resolve()]
    while queue:
        path = queue.pop()
        if path not in seen:
            seen.add(path)
            queue += [file for name in _imports(path) for file in _module_files(name)]
    return sorted(seen)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_files(name: str) -> list[Path]:
    """Return the file of a module `methods.…`, nothing for any other module."""
    package, *rest = name.split(".")
    if package != "methods" or not rest:
        return []
    stem = Path(__file__).parents[2].joinpath("methods", *rest)
    return [path.resolve() for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()]
