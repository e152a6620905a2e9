"""Pickles of plain NumPy arrays, which are data: nothing else in them is made, and nothing is called."""

import pickle
from typing import Any, ClassVar


class ArraysOnly(pickle.Unpickler):
    """Makes NumPy arrays, and refuses every other object by an UnpicklingError that names it."""

    allowed: ClassVar[frozenset[tuple[str, str]]] = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),  # bytes, in protocols below 3
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the allowed objects."""
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
