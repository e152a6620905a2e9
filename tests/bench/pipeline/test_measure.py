"""Cells are measured image by image, so that a kill costs one image's values."""

from pathlib import Path

import pytest
from PIL import Image

from bench.base.metric import Better, ImageMetric
from bench.pipeline.measure import measure_images
from bench.store.layout import RunLayout
from bench.store.records import RestoredCell
from tests.conftest import photo


class Mean(ImageMetric):
    """The mean level of an image."""

    name, better, signature = "mean", Better.HIGHER, "mean|v1"

    def compare(self, sr, features, factor):
        return float(sr.mean())


@pytest.mark.parametrize("reference", ["hr", "lr", "none"])
def test_the_cells_of_one_image_are_one_group(tmp_path: Path, reference: str, monkeypatch) -> None:
    monkeypatch.setattr(Mean, "reference", reference)
    layout = RunLayout(tmp_path)
    cells = []
    for number, (image, slug) in enumerate([(image, slug) for image in "ab" for slug in ("one", "two")]):
        fields = dict.fromkeys(RestoredCell._fields) | {
            "cell_id": number, "category": "c", "image": image, "file": image, "slug": slug, "factor": 16, "repeat": 0,
        }  # fmt: skip
        cells.append(RestoredCell(**fields))
    for path in {layout.hr("c", "a"), layout.hr("c", "b"), layout.lr("c", "a", 16), layout.lr("c", "b", 16)}:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(0)).save(path)
    for cell in cells:
        layout.sr_of(cell).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(cell.cell_id)).save(layout.sr_of(cell))
    groups = list(measure_images(Mean(), layout, cells))
    assert [[measured.cell.cell_id for measured in group] for group in groups] == [[0, 1], [2, 3]]
    assert [measured.value for group in groups for measured in group] == [photo(n).mean() for n in range(4)]
