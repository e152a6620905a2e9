"""Names of one's own, in figures, plots, LaTeX and CSV."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from reports import text
from reports.export import export
from reports.plots.axes import add_legend
from reports.plots.fonts import fit_fonts, letters_of
from reports.plots.save import panels
from tests.reports.making import RunSpec, write_run


def shown(words: str) -> tuple[str, list[str]]:
    figure = Figure()
    label = figure.text(0.5, 0.5, words)
    fit_fonts(figure)
    return label.get_text(), label.get_fontfamily()


def test_letters_are_drawn_by_whatever_font_has_them() -> None:
    fonts = {font.name: font.fname for font in fontManager.ttflist}
    rare = min(letters_of(fonts["STIXGeneral"]) - letters_of(fonts["DejaVu Sans"]))
    words, families = shown(f"Ours {rare}")
    assert words == f"Ours {rare}"
    assert any(rare in letters_of(fonts[family]) for family in families)


def test_a_letter_that_no_font_has_is_named_and_written_as_its_code(caplog: pytest.LogCaptureFixture) -> None:
    words, _ = shown("网 \U0001fae8 é")
    if "\\u" not in words:
        pytest.skip("this machine has a font for everything")
    assert words.endswith(" é")
    assert "no font of this machine has" in caplog.text
    shown("网 \U0001fae8 é")
    assert len(caplog.records) == 1


@pytest.mark.filterwarnings("error")
def test_a_legend_of_forty_methods_leaves_the_plot_its_height() -> None:
    heights = []
    for count in (4, 41):
        figure, ((axis,),) = panels(1)
        for index in range(count):
            axis.plot([0, 1], [index, index], label=f"method {index}")
        add_legend(figure, [axis])
        figure.savefig(io.BytesIO(), format="svg")
        heights.append(axis.get_position().height * figure.get_figheight())
    assert heights[1] == pytest.approx(heights[0], rel=0.15)


def test_latex_says_when_it_needs_lualatex() -> None:
    assert text.tex_needs("Ours & Größe") == ""
    assert text.tex_needs("方法 & 1") == "% compile with lualatex or xelatex and a font that has 方法\n"


def test_csv_reads_back_as_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run", RunSpec(methods=("NA", "ünï"), images=("0000", "null"), metrics=("psnr",)))
    export(run, tmp_path / "results.csv")
    readme = Path(__file__).parents[2] / "README.md"
    (call,) = re.findall(r"`(pd\.read_csv\(.*?\))`", readme.read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    frame = eval(call, {"pd": pd})
    for column in ("method", "category", "image", "value"):
        assert frame[column].tolist() == run.frame[column].tolist()
    assert (tmp_path / "results.csv").read_bytes().startswith(b"\xef\xbb\xbf"), "Excel needs it for ünï"
