"""Where things lie in a run folder."""

from pathlib import Path
from typing import Literal, NamedTuple

from bench.store.records import RestoredCell


class RunLayout(NamedTuple):
    """The paths of one run folder; images are named by the stem of their files (`ImageRecord.file`)."""

    root: Path

    @property
    def database(self) -> Path:
        """Every result."""
        return self.root / "results.db"

    @property
    def lock(self) -> Path:
        """Held by the process that writes."""
        return self.root / ".lock"

    @property
    def mark(self) -> Path:
        """A folder whose time says when a command made or continued the run last."""
        return self.root / "lr"

    @property
    def summary(self) -> Path:
        """What a person wants to see first."""
        return self.root / "run.json"

    def hr(self, category: str, file: str) -> Path:
        """Return a ground truth."""
        return self.root / "hr" / category / f"{file}.png"

    def lr(self, category: str, file: str, factor: int) -> Path:
        """Return an input."""
        return self.root / "lr" / f"x{factor}" / category / f"{file}.png"

    def references(self, category: str, file: str) -> Path:
        """Return the folder of what methods that see references are given beside an image."""
        return self.root / "references" / category / file

    def reference(self, kind: Literal["hr", "lr", "none"], category: str, file: str, factor: int) -> Path | None:
        """Return what a metric compares with, by the kind of its reference."""
        if kind == "none":
            return None
        return self.lr(category, file, factor) if kind == "lr" else self.hr(category, file)

    def sr(self, slug: str, category: str, file: str, factor: int, repeat: int = 0) -> Path:
        """Return a restored image."""
        suffix = f"@{repeat + 1}" if repeat else ""
        return self.root / "sr" / slug / f"x{factor}" / category / f"{file}{suffix}.png"

    def sr_of(self, cell: RestoredCell) -> Path:
        """Return the restored image of a cell."""
        return self.sr(cell.slug, cell.category, cell.file, cell.factor, cell.repeat)

    def thumbnail(self, image: Path) -> Path:
        """Return the small copy of an HR or SR image."""
        return self.root / "thumbs" / image.relative_to(self.root).with_suffix(".webp")

    def redownsampled(self, sr: Path) -> Path:
        """Return the LR image that the LR operator makes of a restored one."""
        return self.root / "redownsampled" / sr.relative_to(self.root / "sr")
