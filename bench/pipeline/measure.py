"""What is to be measured, as jobs for workers that score: what scoring lacks, and what verifying compares."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path

from bench.base.metric import ImageMetric
from bench.store.layout import RunLayout
from bench.store.records import RestoredCell
from bench.workers.score_job import ScoredCell, ScoreJob

Wanted = Mapping[str, Container[int]]
"""By the name that selected a metric, the ids of cells or of images."""


def score_jobs(
    layout: RunLayout, cells: Iterable[RestoredCell], measured: Wanted, described: Wanted
) -> list[ScoreJob]:
    """Return a job for each image of which something is wanted, in the order of the cells.

    Args:
        layout: of the run.
        cells: all that may be measured.
        measured: the cells that each metric is to measure.
        described: the images whose HR each metric is to describe.
    """
    groups: dict[int, list[RestoredCell]] = defaultdict(list)
    for cell in cells:
        groups[cell.image_id].append(cell)
    jobs = []
    for image_id, group in groups.items():
        chosen = [(cell, names) for cell in group if (names := _names(measured, cell.cell_id))]
        of_hr = _names(described, image_id)
        if chosen or of_hr:
            hr = layout.hr(group[0].category, group[0].file)
            scored = [_scored_cell(layout, cell, names) for cell, names in chosen]
            jobs.append(ScoreJob(image_id, hr, scored, of_hr))
    return jobs


def _names(wanted: Wanted, key: int) -> list[str]:
    return [name for name, keys in wanted.items() if key in keys]


def _scored_cell(layout: RunLayout, cell: RestoredCell, names: Sequence[str]) -> ScoredCell:
    lr = layout.lr(cell.category, cell.file, cell.factor)
    return ScoredCell(cell.cell_id, layout.sr_of(cell), lr, cell.factor, names)


def reference_path(metric: ImageMetric, layout: RunLayout, cell: RestoredCell) -> Path | None:
    """Return the image that a metric compares a cell with."""
    return layout.reference(metric.reference, cell.category, cell.file, cell.factor)
