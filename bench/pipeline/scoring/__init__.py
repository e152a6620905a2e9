"""The score stage: reads the saved PNGs back and measures them; a value that is there is not computed again."""

from __future__ import annotations

from collections.abc import Sequence

from bench import metrics
from bench.base.metric import ImageMetric
from bench.base.progress import Reporter
from bench.pipeline.scoring.common import Scorer, applies, restored_cells
from bench.pipeline.scoring.images import score_images
from bench.pipeline.scoring.sets import score_sets
from bench.store.store import Redo, Store


def score(store: Store, names: Sequence[str], device: str, redo: Redo | None, reporter: Reporter) -> None:
    """Compute every value of these metrics that is not in the store yet.

    A metric that cannot be had becomes a gap with its reason and remedy; it is tried again when its files are
    there, or with `redo`.
    """
    scorer, cells = Scorer(store, device, redo, reporter), restored_cells(store)
    for name in names:
        metric = metrics.create(name)
        usable = [cell for cell in cells if applies(metric, cell)]
        if isinstance(metric, ImageMetric):
            score_images(scorer, metric, usable)
        else:
            score_sets(scorer, metric, usable)
