"""Write a new adapter, to be filled in."""

from __future__ import annotations

import keyword
from pathlib import Path
from string import Template

from bench.base.errors import UsageError
from bench.base.files import write_atomically

TEMPLATE = Template('''\
"""$name: how it works, and where it was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bench import Asset
from bench import Batch, Category, Restored, Size
from bench import MethodError


class $cls:
    """Say in one line what it does: this line is what `bench list methods` shows."""

    name = "$name"

    @dataclass(frozen=True)
    class Options:
        """What a selection may choose, as in $name[strength=2]; every field has a type and a default."""

        strength: float = 1.0

    def __init__(self, options: Options) -> None:
        self.options = options

    def assets(self) -> Sequence[Asset | Path]:
        """Return the weight files that these options need."""
        return ()

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Return why this input cannot be restored, or None when it can."""
        return None

    def load(self, device: torch.device) -> None:
        """Read the weights; called once, before the first image."""

    def restore(self, batch: Batch) -> Restored:
        """Restore batch.lr, float32 RGB in [0, 1], (N, 3, h, w), to (N, 3, h * factor, w * factor).

        Take random numbers only from a generator set by batch.seeds, and change nothing on self.
        """
        raise MethodError("fill me in")
''')


def new_adapter(name: str, folder: Path) -> Path:
    """Write NAME.py into a folder and return its path.

    Raises:
        UsageError: when the name is no module's name, or the file is there already.
    """
    if not name.isidentifier() or not name.islower() or keyword.iskeyword(name):
        expected = "small letters, digits and _, such as my_method"
        raise UsageError(f"'{name}' cannot name a method", expected=expected)
    path = folder / f"{name}.py"
    if path.exists() or (folder / name).exists():
        raise UsageError(f"{path} is there already", remedy="choose another name")
    cls = "".join(part.capitalize() for part in name.split("_"))
    write_atomically(path, TEMPLATE.substitute(name=name, cls=cls).encode())
    return path
