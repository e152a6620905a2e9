"""The paper figure: complete, the same every time, and what it shows comes from the run's own pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.base.errors import UsageError
from bench.images.png import load_png
from bench.store.results import Run
from reports.data.comparison import Comparison
from reports.data.scores import Slice
from reports.figure import Crop, FigureOptions, PaperFigure, draw
from reports.plots.image_grid import LR, GridRow
from tests.reports.conftest import HOSTILE
from tests.reports.making import RunSpec, value, write_run

ROW = GridRow(Slice("faces", 16), "0001")


def paper(run: Run, **options: object) -> PaperFigure:
    return PaperFigure(Comparison((run,)), FigureOptions(**options))


def test_a_figure_is_three_files_and_the_same_every_time(usual: Run, tmp_path: Path) -> None:
    options = FigureOptions(images=["0001"], methods=["bicubic", "glean"], factors=[16], crops=[Crop(8, 8, 16)])
    one, two = (draw([usual], tmp_path / name / "figure.pdf", options) for name in ("one", "two"))
    assert [path.name for path in one] == ["figure.pdf", "figure.png", "figure.tex"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].read_bytes().startswith(b"%PDF")
    with Image.open(one[1]) as image:
        assert image.width == 7 * 300


def test_a_figure_of_another_width_keeps_it_in_latex(usual: Run) -> None:
    assert r"\includegraphics[width=5in]{f.pdf}" in paper(usual, width=5.0).latex("f.pdf")


def test_the_table_names_the_methods_shown_and_marks_the_best_of_them(usual: Run, tmp_path: Path) -> None:
    draw([usual], tmp_path / "f", FigureOptions(images=["0001"], methods=["nearest", "bicubic"], factors=[16]))
    source = (tmp_path / "f.tex").read_text()
    assert r"\includegraphics[width=\textwidth]{f.pdf}" in source
    assert "% needs \\usepackage{booktabs}\n" in source
    assert r"\toprule" in source
    assert "GLEAN" not in source
    row = next(line for line in source.splitlines() if line.startswith("bicubic &"))
    assert r"\textbf{22.88}" in row


def test_values_are_those_of_the_image_and_the_best_is_marked(usual: Run) -> None:
    figure = paper(usual, metrics=["psnr"])
    values = {method: value_of(method) for method in ("nearest", "bicubic", "pulse", "glean")}
    best = max(values, key=values.__getitem__)
    for method, own in values.items():
        assert figure.values(ROW, method) == [(f"{own:.2f}", method == best)]


def value_of(method: str) -> float:
    from tests.reports.conftest import USUAL

    return value(USUAL, method, "0001", 16, "psnr")


def test_lr_is_enlarged_in_squares(usual: Run) -> None:
    image = paper(usual).picture(ROW, LR)
    assert np.array_equal(image[::16, ::16], load_png(usual.lr_path("faces", "0001", 16)))
    assert np.ptp(image[:16, :16].reshape(-1, 3), axis=0).max() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": ["9"]}, "unknown image '9'"),
        ({"methods": ["glaen"]}, "did you mean glean"),
        ({"factors": [4]}, "unknown factor '4'"),
        ({"metrics": ["pnsr"]}, "did you mean psnr"),
        ({"category": "face"}, "did you mean faces"),
        ({"crops": [Crop(60, 0, 16)], "images": ["0001"], "factors": [16]}, "the crop leaves the image"),
    ],
)
def test_what_is_not_there_is_refused(
    usual: Run, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        draw([usual], tmp_path / "f", FigureOptions(**options))


def test_a_run_without_images_has_no_figure(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no image to show"):
        draw([write_run(tmp_path / "run", RunSpec(images=()))], tmp_path / "f")


def test_any_name_can_be_drawn(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(methods=HOSTILE[:4], images=("x",), factors=(16,)))
    files = draw([run], tmp_path / "f")
    assert all(path.stat().st_size for path in files)
