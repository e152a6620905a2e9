"""`bench methods new` and `bench metrics new`: write a file to fill in."""

import keyword
from pathlib import Path
from string import Template

from bench.base.errors import UsageError
from bench.base.files import write_atomically
from bench.registry import METHODS, METRICS
from bench.registry.registry import Registry

_METHOD = Template('''\
"""$name: how it works, and where it was published."""

from bench import Batch, Method, MethodError, Restored


class $cls(Method):
    """Say in one line what it does: `bench info` shows this line."""

    name = "$name"

    def restore(self, batch: Batch) -> Restored:
        """Restore batch.lr, a torch tensor: float32 RGB in [0, 1], (N, 3, h, w).

        Return Restored(sr), sr of the same kind, (N, 3, h * batch.factor, w * batch.factor). Take random
        numbers only from a generator that batch.seeds sets, and change nothing on self.
        """
        raise MethodError("fill me in")
''')

_METRIC = Template('''\
"""$name: what it measures, and where it was published."""

from bench import Better, ImageError, ImageMetric, Pixels


class $cls(ImageMetric):
    """Say in one line what it measures: tables show this line beside its name."""

    name = "$name"
    better = Better.LOWER
    signature = "$name|rgb|uint8|v1"  # whatever decides its value: crop, range, network

    def compare(self, sr: Pixels, features: Pixels, factor: int) -> float:
        """Return one number for `sr`, uint8 RGB (H, W, 3), beside `features`, the HR image; change neither."""
        raise ImageError("fill me in")
''')


def new(name: str, folder: Path) -> Path:
    """Write a method, NAME.py, into a folder and return its path.

    Raises:
        UsageError: when the name cannot be a module's name, another one has it, or the file is there already.
    """
    return _write(METHODS, _METHOD, name, folder)


def new_metric(name: str, folder: Path) -> Path:
    """Write a metric, NAME.py, into a folder and return its path; errors as of `new`."""
    return _write(METRICS, _METRIC, name, folder)


def _write(registry: Registry, template: Template, name: str, folder: Path) -> Path:
    if not name.isidentifier() or not name.islower() or keyword.iskeyword(name):
        expected = "small letters, digits and _, such as my_method"
        raise UsageError(f"'{name}' cannot name a {registry.kind}", expected=expected)
    if name in registry.entries():
        raise UsageError(f"there is a {registry.kind} called {name}", remedy="choose another name")
    path = folder / f"{name}.py"
    if path.exists() or (folder / name).exists():
        raise UsageError(f"{path} is there already", remedy="choose another name")
    cls = "".join(part.capitalize() for part in name.split("_"))
    write_atomically(path, template.substitute(name=name, cls=cls).encode())
    return path
