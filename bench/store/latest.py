"""The latest run: what a command works on when it names none."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bench.assets.declare import home
from bench.base.errors import StoreError
from bench.base.files import write_atomically
from bench.store.layout import RunLayout
from bench.store.results import Run

_LEVELS = 4
"""How far down a run is looked for."""
_LISTED, _REMEMBERED = 5, 20


def latest_run(root: Path = Path()) -> Path:
    """Return the run below a folder, at most four levels down, that a command made or continued last.

    Raises:
        StoreError: when there is none that holds a cell; it lists the last five elsewhere.
    """
    run = next(_newest_first(_runs_below(root)), None)
    if run is None:
        elsewhere = [str(path) for path in _newest_first(_remembered())][:_LISTED]
        remedy = f"name one: {', '.join(elsewhere)}" if elsewhere else "make one with `bench run`"
        raise StoreError(f"there is no run in {root.resolve()} or below", remedy=remedy)
    return run


def remember(run: Path) -> None:
    """Note that a command made or continued a run: in the run, and in the cache folder for commands elsewhere."""
    paths = list(dict.fromkeys([run.resolve(), *_remembered()]))[:_REMEMBERED]
    with suppress(OSError):  # it is a help, and no reason to fail
        os.utime(RunLayout(run).mark)
        write_atomically(_list(), "".join(f"{path}\n" for path in paths).encode(errors="surrogateescape"))


def _remembered() -> list[Path]:
    try:
        lines = _list().read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [Path(line) for line in lines]


def _list() -> Path:
    return home() / "runs.txt"


def _runs_below(root: Path) -> Iterator[Path]:
    for text, folders, files in os.walk(root):
        folder = Path(text)
        if "results.db" in files:
            yield folder
        if "results.db" in files or len(folder.relative_to(root).parts) == _LEVELS:
            folders.clear()


def _newest_first(runs: Iterable[Path]) -> Iterator[Path]:
    """Yield the runs that hold a cell."""
    begun = [run for run in runs if RunLayout(run).mark.is_dir()]
    begun.sort(key=lambda run: RunLayout(run).mark.stat().st_mtime_ns, reverse=True)
    for run in begun:
        with suppress(StoreError):  # one of another version, or damaged
            if Run(run).status_counts:
                yield run
