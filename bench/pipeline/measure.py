"""What is to be measured, as jobs for workers that score: what scoring lacks, and what verifying compares."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
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
        chosen = [_chosen(layout, cell, measured) for cell in group]
        first, names = group[0], [name for name, images in described.items() if image_id in images]
        hr = layout.hr(first.category, first.file)
        job = ScoreJob(image_id, hr, [cell for cell in chosen if cell.metrics], names)
        jobs += [job] if job.cells or job.described else []
    return jobs


def _chosen(layout: RunLayout, cell: RestoredCell, measured: Wanted) -> ScoredCell:
    names = [name for name, cells in measured.items() if cell.cell_id in cells]
    lr = layout.lr(cell.category, cell.file, cell.factor)
    return ScoredCell(cell.cell_id, layout.sr_of(cell), lr, cell.factor, names)


def reference_path(metric: ImageMetric, layout: RunLayout, cell: RestoredCell) -> Path | None:
    """Return the image that a metric compares a cell with."""
    return layout.reference(metric.reference, cell.category, cell.file, cell.factor)
