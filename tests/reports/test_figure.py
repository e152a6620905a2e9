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
from reports.figure import PaperFigure, figure
from reports.plots import image_grid
from reports.plots.image_grid import LR, GridRow
from tests.reports.conftest import HOSTILE
from tests.reports.making import RunSpec, value, write_run

ROW = GridRow(Slice("faces", 16), "0001")


def paper(run: Run, **options: object) -> PaperFigure:
    return PaperFigure(Comparison((run,)), **options)


def test_a_figure_is_three_files_and_the_same_every_time(usual: Run, tmp_path: Path) -> None:
    options = {"images": ["0001"], "methods": ["bicubic", "glean"], "factors": [16], "crops": [(8, 8, 16)]}
    one, two = (figure([usual.path], tmp_path / name / "figure.pdf", **options) for name in ("one", "two"))
    assert [path.name for path in one] == ["figure.pdf", "figure.png", "figure.tex"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].read_bytes().startswith(b"%PDF")
    with Image.open(one[1]) as image:
        assert image.width == 7 * 300


@pytest.mark.parametrize(("width", "kind"), [(5.0, "figure*"), (3.5, "figure")])
def test_a_figure_of_another_width_keeps_it_in_latex(usual: Run, width: float, kind: str) -> None:
    """One that fits a column of two stands in it."""
    source = paper(usual, width=width).latex("f.pdf")
    assert f"\\begin{{{kind}}}" in source
    assert f"\\end{{{kind}}}" in source
    assert f"\\includegraphics[width={width:g}in]{{f.pdf}}" in source


def test_words_of_a_narrow_figure_are_smaller_and_whole(usual: Run) -> None:
    """Down to a size that can be read; the values too."""
    drawn = paper(usual, width=3.5).grid().draw()
    texts = {text.get_text(): text for text in drawn.texts}
    assert {"bicubic", "GLEAN", "nearest", "pulse", "LR", "HR", "PSNR [dB] ↑"} <= texts.keys()
    wide = {text.get_text(): text for text in paper(usual).grid().draw().texts}
    assert wide["bicubic"].get_fontsize() == 7
    assert 4 <= texts["bicubic"].get_fontsize() < 7


@pytest.mark.parametrize("columns", range(3, 9))
def test_the_word_that_decides_the_size_is_never_broken(columns: int) -> None:
    for hundredths in range(150, 700, 7):
        side = (hundredths / 100 - 0.22) / columns - 0.04
        for word in ("mymethod_v2", "LR-PSNR", "a", "restoreformer"):
            size = image_grid._fitting_size([word], side, 7.0, 0.0108)
            assert size == image_grid._SMALLEST or image_grid._room(side, size, 0.0108) >= len(word)


def test_methods_are_named_by_their_titles_too(usual: Run) -> None:
    assert paper(usual, only_methods=["GLEAN", "bicubic"]).methods == ["glean", "bicubic"]


def test_the_table_names_the_methods_shown_and_marks_the_best_of_them(usual: Run, tmp_path: Path) -> None:
    figure([usual], tmp_path / "f", images=["0001"], methods=["nearest", "bicubic"], factors=[16])
    source = (tmp_path / "f.tex").read_text()
    assert r"\includegraphics[width=\textwidth]{f.pdf}" in source
    assert "% needs \\usepackage{booktabs}\n" in source
    assert r"\toprule" in source
    assert "GLEAN" not in source
    row = next(line for line in source.splitlines() if line.startswith("bicubic &"))
    assert r"\textbf{22.88}" in row


def test_values_are_those_of_the_image_and_the_best_is_marked(usual: Run) -> None:
    drawn = paper(usual, only_metrics=["psnr"])
    values = {method: value_of(method) for method in ("nearest", "bicubic", "pulse", "glean")}
    best = max(values, key=values.__getitem__)
    for method, own in values.items():
        assert drawn.values(ROW, method) == [(f"{own:.2f}", method == best)]


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
        ({"crops": [(60, 0, 16)], "images": ["0001"], "factors": [16]}, "the crop leaves the image"),
    ],
)
def test_what_is_not_there_is_refused(
    usual: Run, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        figure([usual], tmp_path / "f", **options)


def test_a_run_without_images_has_no_figure(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no image to show"):
        figure([write_run(tmp_path / "run", RunSpec(images=()))], tmp_path / "f")


def test_any_name_can_be_drawn(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(methods=HOSTILE[:4], images=("x",), factors=(16,)))
    files = figure([run], tmp_path / "f")
    assert all(path.stat().st_size for path in files)
