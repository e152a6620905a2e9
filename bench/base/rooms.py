"""The suite's own packages, whose names, `methods` and `reports`, other projects have too."""

from importlib.util import find_spec
from pathlib import Path

from bench.base.errors import UsageError

_ROOT = Path(__file__).resolve().parents[2]


def refuse_other_packages() -> None:
    """Refuse to go on where Python finds something else under a name of the suite's packages.

    Raises:
        UsageError: naming what hides ours: a module beside the script that runs, say.
    """
    for name in ("methods", "reports"):
        spec = find_spec(name)
        path = Path(spec.origin).resolve() if spec and spec.origin else None
        if path is None or not path.is_relative_to(_ROOT / name):
            what = f"{path or 'nothing'} is found as the package '{name}' that glean-bench installs"
            remedy = "give it another name, or remove its folder from PYTHONPATH"
            raise UsageError(what, expected=_ROOT / name, remedy=remedy)
