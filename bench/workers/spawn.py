"""Processes that begin anew, without the script that started them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from types import ModuleType

_STARTING = Lock()


@contextmanager
def without_script() -> Iterator[None]:
    """Start processes inside that do not run the caller's script again, as multiprocessing lets them by default.

    They need nothing of it, and a script needs no `if __name__ == "__main__":`.
    """
    with _STARTING:
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = script
