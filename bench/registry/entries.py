"""What classes there are in a package and in installed packages, read with `ast`: nothing is imported."""

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]


class Entry(NamedTuple):
    """A class that could be used."""

    name: str
    summary: str
    """The first line of its docstring."""
    origin: str
    """`built-in`, `plugin DISTRIBUTION` or `file`."""
    location: str
    """`module:attribute`, an importable module, or the path of a .py file."""
    group: str | None = None
    """What it says of itself by `group = "..."`, as methods do."""


@cache
def built_in(package: str) -> Mapping[str, Entry]:
    """Return the classes of a package's modules, and of the `__init__` of its folders, by name."""
    folder = _ROOT.joinpath(*package.split("."))
    entries: dict[str, Entry] = {}
    for path in sorted([*folder.glob("*.py"), *folder.glob("*/__init__.py")]):
        module = path.parent if path.name == "__init__.py" else path.with_suffix("")
        classes = _classes_in(path, "built-in", ".".join(module.relative_to(_ROOT).parts))
        entries |= {entry.name: entry for entry in classes}
    return entries


def plugins(group: str) -> Iterator[Entry]:
    """Yield what installed packages offer under an entry-point group."""
    for point in entry_points(group=group):
        origin = f"plugin {point.dist.name if point.dist else 'unknown'}"
        yield _plugin(point, origin)._replace(name=point.name, location=point.value)


def _plugin(point: EntryPoint, origin: str) -> Entry:
    module, _, attribute = point.value.partition(":")
    try:
        spec = importlib.util.find_spec(module)
        classes = _classes_in(Path(spec.origin), origin, module) if spec and spec.origin else ()
        matching = (entry for entry in classes if not attribute or entry.location == point.value)
        return next(matching, Entry(point.name, "", origin, module))
    except (ImportError, OSError) as error:
        return Entry(point.name, f"cannot be read: {error}", origin, module)


def _classes_in(path: Path, origin: str, module: str) -> Iterator[Entry]:
    """Yield the classes of a file that set a `name` themselves."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        yield Entry(path.stem, f"cannot be read: {error}", origin, module)
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and (name := _own_text(node, "name")):
            summary = (ast.get_docstring(node) or "").partition("\n")[0]
            yield Entry(name, summary, origin, f"{module}:{node.name}", _own_text(node, "group"))


def _own_text(node: ast.ClassDef, attribute: str) -> str | None:
    """Return the text that a class sets an attribute to in its own body."""
    for item in node.body:
        match item:
            case (
                ast.Assign(targets=[ast.Name(id=target)], value=ast.Constant(value=str() as text))
                | ast.AnnAssign(target=ast.Name(id=target), value=ast.Constant(value=str() as text))
            ) if target == attribute:
                return text
    return None
