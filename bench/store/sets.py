"""The sets of cells that a set metric measures."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.store.records import RestoredCell

CellSet = Sequence[RestoredCell]
"""The cells of one method, category, factor and repeat."""


def set_digest(cells: CellSet) -> str:
    """Return a digest of the images of a method, category, factor and repeat: of what a set metric measures."""
    first = cells[0]
    lines = [f"{first.identity}|{first.category}|{first.factor}|{first.repeat}"]
    lines += [f"{cell.image}|{cell.digest}" for cell in cells]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def cell_sets(cells: Iterable[RestoredCell]) -> list[CellSet]:
    """Group cells by category, method, factor and repeat."""
    groups: dict[tuple[int, ...], list[RestoredCell]] = defaultdict(list)
    for cell in cells:
        groups[cell.category_id, cell.method_id, cell.factor, cell.repeat].append(cell)
    return list(groups.values())
