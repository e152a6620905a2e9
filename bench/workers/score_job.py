"""What goes to a worker that scores and what comes back: the results of one image, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from bench.base.errors import ImageError, Unavailable, one_line
from bench.base.types import Needs, Pixels
from bench.images.png import load_png

NEEDS = Needs(memory_mb=2000)
"""Of a worker with the default metrics at 1024 pixels."""
Key = tuple[str, int | None]
"""A metric by the name that selected it, and the id of a cell; None for HR."""


class Measurement(NamedTuple):
    """What a metric measured in an image, or why it could not."""

    value: Any = None
    """Of a cell its value, or its features for a set metric; of HR its features."""
    reason: str | None = None


class ScoredCell(NamedTuple):
    """One result to measure."""

    cell_id: int
    sr: Path
    lr: Path
    factor: int
    metrics: Sequence[str]


class ScoreJob(NamedTuple):
    """The results of one image, and what each is to be measured by."""

    image_id: int
    hr: Path
    cells: Sequence[ScoredCell]
    described: Sequence[str] = ()
    """The metrics whose features of HR come back."""
    contents: Mapping[Path, bytes] | None = None
    """Of the PNGs, for a worker elsewhere; None where they lie at their paths."""

    def read(self) -> Self:
        """Read the PNGs; a worker says which of them was not there."""
        contents = {}
        for path in {self.hr, *(path for cell in self.cells for path in (cell.sr, cell.lr))}:
            with suppress(OSError):
                contents[path] = path.read_bytes()
        return self._replace(contents=contents)

    def pixels(self, path: Path) -> Pixels:
        """Decode one of the PNGs, uint8 (H, W, 3).

        Raises:
            ImageError: naming the file, whatever is wrong with it.
        """
        try:
            return load_png(path, None if self.contents is None else self.contents[path])
        except (FileNotFoundError, KeyError) as error:
            remedy = "give the `bench run` command again, which makes what is missing"
            raise ImageError(f"{path} is not there", remedy=remedy) from error
        except Exception as error:  # what a damaged PNG raises is of many kinds
            remedy = "remove it and give `bench run` again with --redo failed"
            raise ImageError(f"{path} cannot be read: {one_line(error)}", remedy=remedy) from error

    def failed(self, reason: str) -> Scores:
        """Return the answer of a worker that was lost."""
        keys: list[Key] = [(name, cell.cell_id) for cell in self.cells for name in cell.metrics]
        return Scores(
            dict.fromkeys([*keys, *((name, None) for name in self.described)], Measurement(None, reason)), {}
        )


class Scores(NamedTuple):
    """What the metrics of a worker measured."""

    measurements: Mapping[Key, Measurement]
    unavailable: Mapping[str, Unavailable]
    """The metrics that cannot be had; nothing is measured by them."""
