"""Where things lie in a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from bench.store.records import RestoredCell


class RunLayout(NamedTuple):
    """The paths of one run folder."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "results.db"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    @property
    def summary(self) -> Path:
        return self.root / "run.json"

    @property
    def report(self) -> Path:
        return self.root / "report"

    def hr(self, category: str, image: str) -> Path:
        return self.root / "hr" / category / f"{image}.png"

    def lr(self, category: str, image: str, factor: int) -> Path:
        return self.root / "lr" / f"x{factor}" / category / f"{image}.png"

    def reference(self, kind: Literal["hr", "lr", "none"], category: str, image: str, factor: int) -> Path | None:
        """Return what a metric compares with, by the kind of its reference."""
        if kind == "none":
            return None
        return self.lr(category, image, factor) if kind == "lr" else self.hr(category, image)

    def sr(self, slug: str, category: str, image: str, factor: int, repeat: int = 0) -> Path:
        suffix = f"@{repeat + 1}" if repeat else ""
        return self.root / "sr" / slug / f"x{factor}" / category / f"{image}{suffix}.png"

    def sr_of(self, cell: RestoredCell) -> Path:
        return self.sr(cell.slug, cell.category, cell.image, cell.factor, cell.repeat)

    def thumbnail(self, image: Path) -> Path:
        return self.root / "thumbs" / image.relative_to(self.root).with_suffix(".webp")

    def redownsampled(self, sr: Path) -> Path:
        return self.root / "redownsampled" / sr.relative_to(self.root / "sr")
