"""Which files a Python file can run, and what it says without comments and docstrings; nothing is imported."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PIXELS = ("bench.base.bank", "bench.base.seeds", "bench.images.degradation", "bench.networks")
"""The parts of `bench` that decide about pixels: the LR operator, random numbers, networks, what banks share."""


def reachable(start: Path) -> list[Path]:
    """Return a Python file and every file that it imports, in turn, as far as they decide about a result.

    These are the files of its own folder or package, of `methods`, and `_PIXELS`.
    """
    start = start.resolve()
    seen: set[Path] = set()
    queue = [start]
    while queue:
        path = queue.pop()
        if path not in seen:
            seen.add(path)
            queue += [file for name in _imports(path, start) for file in _files(name, start)]
    return sorted(seen)


def code_digest(path: Path) -> str:
    """Return a digest of what a Python file says: comments, docstrings and blank lines left out."""
    return _digest(path.read_bytes())


@cache  # by content, as `_import_statements`: the methods of a run share most of their files
def _digest(content: bytes) -> str:
    try:
        text = _stripped(content)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(text.encode()).hexdigest()


def _stripped(content: bytes) -> str:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    lines = io.StringIO(content.decode(encoding), newline=None).read().splitlines(keepends=True)
    cuts = [(token.start, token.end) for token in _tokens(lines) if token.type == tokenize.COMMENT]
    cuts += _docstrings("".join(lines))
    for (first, begin), (last, end) in sorted(cuts, reverse=True):
        lines[first - 1 : last] = [lines[first - 1][:begin] + lines[last - 1][end:]]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _tokens(lines: Sequence[str]) -> Iterator[tokenize.TokenInfo]:
    rest = iter(lines)
    return tokenize.generate_tokens(lambda: next(rest, ""))


def _docstrings(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where each docstring begins and ends: line, and column in characters."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as words), *_]:
                    last = words.end_lineno or words.lineno
                    yield (
                        (words.lineno, _column(lines[words.lineno - 1], words.col_offset)),
                        (last, _column(lines[last - 1], words.end_col_offset or 0)),
                    )


def _column(line: str, byte: int) -> int:
    return len(line.encode()[:byte].decode())


def _imports(path: Path, start: Path) -> Iterator[str]:
    """Yield the absolute names that a file imports; a name may be a module or something in it."""
    for node in _import_statements(path.read_bytes()):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            module = _absolute(node, path, start) if node.level else node.module or ""
            yield module
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


@cache
def _import_statements(content: bytes) -> Sequence[ast.Import | ast.ImportFrom]:
    try:
        nodes = ast.walk(ast.parse(content))
    except (SyntaxError, ValueError):
        return ()
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def _absolute(node: ast.ImportFrom, path: Path, start: Path) -> str:
    folder = path.parents[node.level - 1]
    package = _package_root(start)
    parts = folder.relative_to(package).parts if folder.is_relative_to(package) else ()
    return ".".join([*parts, *([node.module] if node.module else [])])


def _package_root(start: Path) -> Path:
    """Return the folder that holds the outermost package of a file."""
    folder = start.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _files(name: str, start: Path) -> Iterator[Path]:
    """Yield the files that importing a name runs, as far as they count."""
    parts = name.split(".")
    root = _package_root(start)
    if name.startswith("bench."):
        name = _public().get(name, name)
        if any(name == part or name.startswith(f"{part}.") for part in _PIXELS):
            yield from _of_module(_ROOT, name.split("."))
    elif parts[0] == "methods":
        yield from _of_module(_ROOT, parts)
    elif root == start.parent or parts[0] == start.relative_to(root).parts[0]:
        yield from _of_module(root, parts)
    elif start.parent != root:
        yield from _of_module(start.parent, parts)


def _of_module(root: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield the files of a module and of the packages around it."""
    for count in range(1, len(parts) + 1):
        stem = root.joinpath(*parts[:count])
        yield from (path.resolve() for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file())


@cache
def _public() -> dict[str, str]:
    """Return by its public name, `bench.Bank`, the module that something is from."""
    tree = ast.parse((_ROOT / "bench" / "__init__.pyi").read_bytes())
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {f"bench.{alias.name}": str(node.module) for node in nodes for alias in node.names}
