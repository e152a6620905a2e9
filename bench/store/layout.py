"""Where things lie in a run folder."""

import os
from pathlib import Path
from typing import Literal, NamedTuple

from bench.store.records import RestoredCell

OWN = frozenset({"hr", "lr", "sr", "references", "thumbs", "redownsampled", "report", "run.json", ".lock"})
"""What a run folder may hold before it has a database."""


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
        return self.hr_folder(category) / f"{file}.png"

    def hr_folder(self, category: str) -> Path:
        """Return where the ground truths of a category are."""
        return self.root / "hr" / category

    def lr(self, category: str, file: str, factor: int) -> Path:
        """Return an input."""
        return self.lr_folder(category, factor) / f"{file}.png"

    def lr_folder(self, category: str, factor: int) -> Path:
        """Return where the inputs of a category are."""
        return self.root / "lr" / f"x{factor}" / category

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
        return self.sr_folder(slug, category, factor) / f"{file_of_repeat(file, repeat)}.png"

    def sr_folder(self, slug: str, category: str, factor: int) -> Path:
        """Return where the restored images of a category are."""
        return self.root / "sr" / slug / f"x{factor}" / category

    def sr_of(self, cell: RestoredCell) -> Path:
        """Return the restored image of a cell."""
        return self.sr(cell.slug, cell.category, cell.file, cell.factor, cell.repeat)

    def thumbnail(self, image: Path) -> Path:
        """Return the small copy of an HR or SR image."""
        return self.root / "thumbs" / image.relative_to(self.root).with_suffix(".webp")

    def redownsampled(self, sr: Path) -> Path:
        """Return the LR image that the LR operator makes of a restored one."""
        return self.root / "redownsampled" / sr.relative_to(self.root / "sr")


def file_of_repeat(file: str, repeat: int) -> str:
    """Return the stem of what an image became when it was restored again, its own the first time."""
    return f"{file}@{repeat + 1}" if repeat else file


def png_stems(folder: Path) -> set[str]:
    """Return the stems of the PNGs of a folder, of none for one that is not there.

    To ask for each of thousands of files takes longer.
    """
    names = os.listdir(folder) if folder.is_dir() else ()  # noqa: PTH208 (Path.iterdir makes a path of each)
    return {name.removesuffix(".png") for name in names if name.endswith(".png")}
