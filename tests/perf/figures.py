"""The figures of the benchmarks: each is said, and kept where FIGURES names a file, from which docs/speed.md is written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from bench.store.provenance import processor, source_state


class Figures:
    """What a test file measures.

    Args:
        table: the test file's name without `test_`.
        capsys: whatever pytest captures, figures go to the terminal.
    """

    def __init__(self, table: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._table, self._capsys = table, capsys

    def __call__(
        self, what: str, value: float, spread: str = "", *, most: float | None = None, least: float | None = None
    ) -> None:
        """Say a figure.

        Args:
            what: is measured; `a / b` where it is a ratio.
            value: the median.
            spread: what else belongs to it, in brackets.
            most: the aim, where less is better.
            least: the aim, where more is.
        """
        told = f"{_printed(value)} ({spread})" if spread else _printed(value)
        with self._capsys.disabled():
            sys.stdout.write(f"\n  {what}: {told}")
        if kept := os.environ.get("FIGURES"):
            self._keep(Path(kept), {"what": what, "figure": told, "aim": _aim(value, most, least)})

    def _keep(self, path: Path, row: dict[str, str]) -> None:
        rows = pd.DataFrame(
            [{"table": self._table, **row, "commit": source_state()[:7], "processor": processor()}]
        )
        earlier = [pd.read_csv(path, dtype=str, keep_default_na=False)] if path.is_file() else []
        kept = pd.concat([*earlier, rows]).drop_duplicates(["table", "what"], keep="last")
        kept.to_csv(path, index=False)


def _printed(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _aim(value: float, most: float | None, least: float | None) -> str:
    """Return the aim in words, and whether it was missed."""
    bounds = {"at least": least, "at most": most}
    told = ", ".join(f"{name} {_printed(bound)}" for name, bound in bounds.items() if bound is not None)
    missed = (least is not None and value < least) or (most is not None and value > most)
    return f"{told}: not reached" if missed else told
