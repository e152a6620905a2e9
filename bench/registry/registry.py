"""What can be selected by name: classes of a built-in package, of installed packages, and of files.

Listing imports nothing, so a broken or heavy class costs a listing nothing. An installed package adds its own by
an entry point, such as `[project.entry-points."bench.metrics"]`.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.base.errors import BenchError, UsageError, one_line, unknown
from bench.base.files import expand_path, file_digest
from bench.registry.entries import Entry, built_in, plugins


@dataclass(frozen=True)
class Registry:
    """The classes of one kind.

    Attributes:
        kind: what they are; with an s, the entry-point group `bench.KINDs`.
        package: where the built-in ones are.
        bases: the public names of `bench` of which each must inherit one.
        error: what a class that cannot be used raises.
        order: the names that a listing begins with; the others follow by name.
        takes_files: whether the path of a .py file is a name too.
    """

    kind: str
    package: str
    bases: tuple[str, ...]
    error: type[BenchError] = UsageError
    order: tuple[str, ...] = ()
    takes_files: bool = False

    def entries(self) -> dict[str, Entry]:
        """Return what there is by name, the files of users left out; a built-in name wins over a plugin's."""
        entries = {entry.name: entry for entry in plugins(f"bench.{self.kind}s")} | {**built_in(self.package)}
        first = [name for name in self.order if name in entries]
        return {name: entries[name] for name in (*first, *sorted(entries.keys() - {*first}))}

    def find(self, name: str, what: str | None = None) -> Entry:
        """Return the entry of a name, or of the path of a .py file.

        Args:
            name: which one.
            what: how an error calls it; its kind when None.

        Raises:
            UsageError: for an unknown name, with the close ones, or a file that is not there.
        """
        if not (self.takes_files and name.endswith(".py")):
            entries = built_in(self.package)
            entries = entries if name in entries else self.entries()
            if name not in entries:
                own = [f"./{name}.py"] if self.takes_files and Path(f"{name}.py").is_file() else []
                raise unknown(what or self.kind, name, [*own, *entries])
            return entries[name]
        path = expand_path(name, self.kind)
        if not path.is_file():
            raise UsageError(f"no {self.kind} at {path}", expected="a .py file")
        return Entry(name, "", "file", str(path))

    def load(self, name: str) -> Any:
        """Import the class of a name, or of the path of a .py file.

        Raises:
            UsageError: as `find`.
            BenchError: of this registry's own, when it cannot be imported or inherits no base class.
        """
        entry = self.find(name)
        where = f"{self.kind} {name} ({entry.origin})"
        try:
            classes = _import_classes(entry)
        except Exception as error:
            raise self.error(f"{where} cannot be imported: {one_line(error)}") from error
        return self._only(classes, where)

    def create(self, name: str) -> Any:
        """Return an object of the class of a name, of `name:argument`, or of the path of a .py file; see `load`.

        The signature of one from a file ends with a digest of the file: an edited one is another.
        """
        if name.endswith(".py"):
            created = self.load(name)()
            created.signature += f"|source:{file_digest(Path(name).expanduser())[:12]}"
            return created
        head, _, argument = name.partition(":")
        cls = self.load(head)
        if argument and not inspect.signature(cls).parameters:
            raise UsageError(f"{self.kind} {head} takes no argument", got=f":{argument}")
        return cls(argument) if argument else cls()

    def _only(self, classes: list[type], where: str) -> type:
        public = importlib.import_module("bench")
        bases = tuple(getattr(public, base) for base in self.bases)
        named = [cls for cls in classes if isinstance(getattr(cls, "name", None), str)]
        fitting = [cls for cls in named if issubclass(cls, bases)]
        if len(fitting) == 1:
            return fitting[0]
        texts = " or ".join(f"bench.{base}" for base in self.bases)
        remedy = f"write class {named[0].__name__ if named else 'Mine'}(bench.{self.bases[0]})"
        got = f"{len(fitting)} classes with a name that inherit {texts}"
        raise self.error(f"{where} cannot be used", got=got, expected="one", remedy=None if fitting else remedy)


def _import_classes(entry: Entry) -> list[type]:
    module, _, attribute = entry.location.partition(":")
    if entry.origin == "file":
        return _own_classes(_import_file(Path(entry.location)))
    imported = importlib.import_module(module)
    return [getattr(imported, attribute)] if attribute else _own_classes(imported)


def _import_file(path: Path) -> ModuleType:
    name = f"bench_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)  # for the modules beside it, now and when it restores
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _own_classes(module: ModuleType) -> list[type]:
    members = inspect.getmembers(module, inspect.isclass)
    return [cls for _, cls in members if cls.__module__ == module.__name__]
