"""The sets of images that are measured as one: by a set metric, and in pairs by a metric of identity."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bench.store.records import ImageRecord, RestoredCell

CellSet = Sequence[RestoredCell]
"""The cells of one method, category, factor and repeat."""
PAIRED_IMAGES = 100
"""Images of a category that are paired at most: 4,950 pairs."""


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


def paired_images(cells: Iterable[RestoredCell], images: Iterable[ImageRecord]) -> dict[str, dict[int, str]]:
    """Return by category the first images of the cells that have HR: its digest by the image's id."""
    digests = {(image.category, image.image): image.digest for image in images}
    groups: dict[str, dict[int, str]] = defaultdict(dict)
    for cell in cells:
        group = groups[cell.category]
        if cell.has_hr and len(group) < PAIRED_IMAGES:
            group[cell.image_id] = digests[cell.category, cell.image]
    return groups


def pairs_digest(group: Mapping[int, str]) -> str:
    """Return a digest of the images of a category that are paired."""
    return hashlib.sha256("|".join(group.values()).encode()).hexdigest()
