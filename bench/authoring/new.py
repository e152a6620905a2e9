"""`bench methods new`: writes an adapter to fill in."""

import keyword
from pathlib import Path
from string import Template

from bench.base.errors import UsageError
from bench.base.files import write_atomically

_TEMPLATE = Template('''\
"""$name: how it works, and where it was published."""

from bench import Batch, Method, MethodError, Restored


class $cls(Method):
    """Say in one line what it does: `bench list methods` shows this line."""

    name = "$name"

    def restore(self, batch: Batch) -> Restored:
        """Restore batch.lr, a torch tensor: float32 RGB in [0, 1], (N, 3, h, w).

        Return Restored(sr), sr of the same kind, (N, 3, h * batch.factor, w * batch.factor). Take random
        numbers only from a generator that batch.seeds sets, and change nothing on self.
        """
        raise MethodError("fill me in")
''')


def new(name: str, folder: Path) -> Path:
    """Write NAME.py into a folder and return its path.

    Raises:
        UsageError: when the name cannot be a module's name, or the file is there already.
    """
    if not name.isidentifier() or not name.islower() or keyword.iskeyword(name):
        expected = "small letters, digits and _, such as my_method"
        raise UsageError(f"'{name}' cannot name a method", expected=expected)
    path = folder / f"{name}.py"
    if path.exists() or (folder / name).exists():
        raise UsageError(f"{path} is there already", remedy="choose another name")
    cls = "".join(part.capitalize() for part in name.split("_"))
    write_atomically(path, _TEMPLATE.substitute(name=name, cls=cls).encode())
    return path
