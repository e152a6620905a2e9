"""`bench merge`."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common import print_line


def merge(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run folders with the same seed and kind of device.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the merged run.")],
) -> None:
    """Merge runs made on several machines into one."""
    from bench.store.merge import merge as merge_runs

    print_line(f"merged {merge_runs(runs, out)} cells into {out}")
