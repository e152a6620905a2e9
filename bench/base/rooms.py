"""Importing the suite's own packages, whose names, `methods` and `reports`, other projects have too."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from bench.base.errors import UsageError

_ROOT = Path(__file__).parents[2]


def import_room(name: str) -> ModuleType:
    """Import a module of the suite.

    Raises:
        UsageError: when something else of the package's name is found first, beside the script that runs, say.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        path = getattr(sys.modules.get(package), "__file__", None)
        if path is None or Path(path).is_relative_to(_ROOT / package):
            raise
        what = f"{path} hides the package '{package}' that glean-bench installs"
        raise UsageError(what, remedy="give it another name") from error
