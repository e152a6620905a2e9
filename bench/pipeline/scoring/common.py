"""What every metric of one scoring shares: the cells, the store, and the loading of networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.assets.fetch import is_here
from bench.base.errors import ImageError, Unavailable, one_line
from bench.base.metric import ImageMetric, SetMetric
from bench.base.progress import Reporter
from bench.base.types import Pixels
from bench.images.png import load_png
from bench.store.store import Redo, Status, Store


class Cell(NamedTuple):
    """A restored image to measure."""

    id: int
    method: int
    slug: str
    category: str
    kind: str | None
    has_hr: bool
    image: str
    factor: int
    repeat: int
    digest: str


def restored_cells(store: Store) -> list[Cell]:
    """Return the cells that are done, of the methods as they are now."""
    rows = store.rows(
        "SELECT cells.id, method_id, slug, categories.name, kind, has_hr, images.name, factor, repeat,"
        " cells.digest FROM cells JOIN methods ON methods.id = method_id JOIN inputs ON inputs.id = input_id"
        " JOIN images ON images.id = image_id JOIN categories ON categories.id = category_id"
        " WHERE status = ? AND is_current ORDER BY category_id, position, factor, method_id, repeat",
        Status.DONE,
    )
    return [Cell(*row) for row in rows]


def applies(metric: ImageMetric | SetMetric, cell: Cell) -> bool:
    """Say whether a metric means something for a cell."""
    kinds = metric.kinds
    fits = kinds is None or cell.kind is None or cell.kind in kinds
    return fits and (cell.has_hr or (isinstance(metric, ImageMetric) and metric.reference != "hr"))


def read(path: Path) -> Pixels:
    """Read an image of the run.

    Raises:
        ImageError: naming the file, whatever is wrong with it.
    """
    try:
        return load_png(path)
    except Exception as error:  # what a damaged PNG raises is of many kinds
        remedy = "remove it and give `bench run` again with --redo failed"
        raise ImageError(f"{path} cannot be read: {one_line(error)}", remedy=remedy) from error


@dataclass(frozen=True)
class Scorer:
    """What all metrics of one scoring share."""

    store: Store
    device: str
    redo: Redo | None
    reporter: Reporter

    def load(self, metric: ImageMetric | SetMetric, scope: str) -> int | None:
        """Load a metric's networks and return its id, or write down why they cannot be had."""
        import torch

        from bench.workers import determinism

        known = self.store.rows("SELECT 1 FROM unavailable_metrics WHERE name = ?", metric.name)
        if known and not self.redo and not all(is_here(asset) for asset in metric.assets()):
            return None
        determinism.enable()
        try:
            metric.load(torch.device(self.device))
        except Unavailable as error:
            self._note_gap(metric.name, error)
            return None
        with self.store.transaction():
            self.store.connection.execute("DELETE FROM unavailable_metrics WHERE name = ?", [metric.name])
            unit = metric.unit
            return self.store.metric(metric.name, metric.signature, metric.better, scope, unit)

    def _note_gap(self, name: str, error: Unavailable) -> None:
        reason = str(Unavailable(error.what, got=error.got, expected=error.expected))
        self.reporter.say(f"metric {name} is unavailable: {error}")
        with self.store.transaction():
            self.store.connection.execute(
                "INSERT OR REPLACE INTO unavailable_metrics VALUES (?, ?, ?)", [name, reason, error.remedy or ""]
            )

    def finished(self, metric: ImageMetric | SetMetric, table: str, column: str) -> set[Any]:
        """Return what a metric need not measure again, as a column of the table of its values names it."""
        if self.redo == "all":
            return set()
        failed_too = "" if self.redo is None else " AND value IS NOT NULL"
        rows = self.store.rows(
            f"SELECT {column} FROM {table} JOIN metrics ON metrics.id = metric_id"
            f" WHERE name = ? AND signature = ?{failed_too}",
            metric.name,
            metric.signature,
        )
        return {row[0] for row in rows}

    def sr_path(self, cell: Cell) -> Path:
        """Return where a cell's restored image lies."""
        return self.store.layout.sr(cell.slug, cell.category, cell.image, cell.factor, cell.repeat)
