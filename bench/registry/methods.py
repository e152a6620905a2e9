"""The one place where methods are found and built: four ways in, one registry.

Listing reads sources with `ast` and imports nothing, so a broken or heavy adapter costs a listing nothing.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.assets.declare import Asset
from bench.assets.fetch import weights_digest
from bench.base import options
from bench.base.bank import Bank
from bench.base.errors import MethodError, UsageError, unknown
from bench.base.method import Method
from bench.registry.selection import Selection, parse

if TYPE_CHECKING:
    import torch

GROUP = "bench.methods"


class Entry(NamedTuple):
    """A method that could be used."""

    name: str
    summary: str
    origin: str
    """`built-in`, `plugin DISTRIBUTION` or the file it comes from."""
    location: str
    """An importable module, `module:attribute`, or a path to a .py file."""


class Selected(NamedTuple):
    """A method, built."""

    label: str
    slug: str
    identity: str
    method: Method
    text: str
    """The selection that builds it again in another process."""


def discover() -> dict[str, Entry]:
    """Return the methods by name: built-in ones, then plugins; a built-in name wins."""
    entries = {entry.name: entry for entry in _plugins()}
    return dict(sorted((entries | {entry.name: entry for entry in _built_in()}).items()))


def create(text: str) -> Selected:
    """Build the method that a selection names, and its identity; its weights are not loaded.

    Raises:
        UsageError: for an unknown method or option.
        MethodError: for an adapter that cannot be imported or keeps no contract.
    """
    selection, method = parse(text), build(text)
    label = selection.label or str(selection)
    return Selected(label, _slug(label), identity(method), method, text)


def build(text: str) -> Method:
    """Build the method that a selection names, and nothing more."""
    selection = parse(text)
    cls = _load_class(selection)
    if not dataclasses.is_dataclass(getattr(cls, "Options", None)):
        remedy = "declare class Options with @dataclass(frozen=True)"
        raise MethodError(f"method {cls.name} has no dataclass Options", remedy=remedy)
    given = dict(selection.options)
    if selection.argument:
        given[_argument_field(cls, selection)] = selection.argument
    method: Method = cls(options.build(cls.Options, given, cls.name))
    return method


def load_bank(name: str, device: str | torch.device = "cpu") -> Bank:
    """Return a loaded bank by its name or path."""
    from methods.shared import banks

    return banks.load(name, device)


def bank_assets(name: str) -> Sequence[Asset | Path]:
    """Return the files that a bank needs."""
    from methods.shared import banks

    return banks.assets(name)


def train(method: str, bank: str, factors: tuple[int, ...], data: Path | None, out: Path, **settings: Any) -> None:
    """Train a method; see `methods.shared.training.train`."""
    from methods.shared import training

    training.train(method, bank, factors, data, out, **settings)


def identity(method: Method) -> str:
    """Return the digest of a method's name, options, weights and source."""
    cls = type(method)
    parts = {
        "name": cls.name,
        "options": options.describe(method.options),
        "weights": weights_digest(method.assets()),
        "source": [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources(_file_of(cls))],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sources(file: Path) -> list[Path]:
    """Return an adapter's file and every file of the `methods` package that it imports, in turn."""
    seen: dict[Path, None] = {}
    queue = [file.resolve()]
    while queue:
        path = queue.pop()
        if path not in seen:
            seen[path] = None
            queue += [found for name in _imports(path) for found in _module_files(name)]
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


def _file_of(cls: type) -> Path:
    return Path(inspect.getfile(cls))


def _built_in() -> Iterator[Entry]:
    folder = Path(__file__).parents[2] / "methods"
    for path in sorted([*folder.glob("*.py"), *folder.glob("*/__init__.py")]):
        module = "methods." + (path.parent.name if path.name == "__init__.py" else path.stem)
        yield from (Entry(name, summary, "built-in", module) for name, summary in _adapters(path))


def _plugins() -> Iterator[Entry]:
    for point in entry_points(group=GROUP):
        distribution = point.dist.name if point.dist else "unknown"
        yield Entry(point.name, _plugin_summary(point), f"plugin {distribution}", point.value)


def _plugin_summary(point: EntryPoint) -> str:
    module = point.value.partition(":")[0]
    try:
        spec = importlib.util.find_spec(module)
        found = dict(_adapters(Path(spec.origin))) if spec and spec.origin else {}
    except (ImportError, OSError, SyntaxError) as error:
        return f"cannot be read: {error}"
    return found.get(point.name, "")


def _adapters(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, summary) of each class in a file that assigns `name = "..."` and `restore`."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        yield path.stem, f"cannot be read: {error}"
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and (name := _literal_name(node)):
            yield name, (ast.get_docstring(node) or "").partition("\n")[0]


def _literal_name(node: ast.ClassDef) -> str | None:
    if not any(isinstance(item, ast.FunctionDef) and item.name == "restore" for item in node.body):
        return None
    for item in node.body:
        match item:
            case ast.Assign(targets=[ast.Name(id="name")], value=ast.Constant(value=str(value))):
                return value
            case ast.AnnAssign(target=ast.Name(id="name"), value=ast.Constant(value=str(value))):
                return value
    return None


def _load_class(selection: Selection) -> Any:
    if selection.target.endswith(".py"):
        return _class_in(_import_file(Path(selection.target).expanduser()), selection.target)
    entries = discover()
    if selection.name not in entries:
        raise unknown("method", selection.name, entries)
    entry = entries[selection.name]
    module, _, attribute = entry.location.partition(":")
    try:
        imported = importlib.import_module(module)
    except Exception as error:
        raise MethodError(f"method {entry.name} ({entry.origin}) cannot be imported: {error}") from error
    return getattr(imported, attribute) if attribute else _class_in(imported, entry.name)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"no adapter at {path}", expected="a .py file")
    name = f"bench_adapter_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python module")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise MethodError(f"adapter {path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _class_in(module: ModuleType, where: str) -> Any:
    found = [
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__ and isinstance(getattr(cls, "name", None), str)
    ]
    found = [cls for cls in found if callable(getattr(cls, "restore", None))]
    if len(found) != 1:
        raise MethodError(
            f"{where} holds no usable adapter",
            got=f"{len(found)} classes with a name and restore()",
            expected="one",
            remedy="`bench methods new` writes one to fill in",
        )
    return found[0]


def _argument_field(cls: Any, selection: Selection) -> str:
    names = list(inspect.signature(cls.Options).parameters)
    if not names:
        raise UsageError(f"method {cls.name} takes no argument", got=f":{selection.argument}")
    return names[0]


def _slug(label: str) -> str:
    slug = re.sub(r"[^\w+.-]+", "-", label).strip("-.")
    if slug == label and len(slug) <= 80:
        return slug
    short = hashlib.sha256(label.encode()).hexdigest()[:6]
    return f"{slug[:60]}-{short}"
