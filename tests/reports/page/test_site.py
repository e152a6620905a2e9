"""The folder of a report: the same for the same results, complete, and without any other host."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.base.errors import UsageError
from bench.images.degradation import make_lr
from bench.images.png import load_png, save_png
from bench.store.layout import RunLayout
from bench.store.records import Status
from bench.store.results import Run
from reports import text
from reports.data.comparison import Comparison
from reports.export import export
from reports.page import embedded, sentences
from reports.report import report
from tests.reports.conftest import HOSTILE
from tests.reports.making import RunSpec, write_run


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), fid=True))
    first = digests(report([run]).parent)
    shutil.rmtree(tmp_path / "run" / "report")
    assert digests(report([Run(tmp_path / "run")]).parent) == first
    assert {"index.html", "tables/leaderboard.csv", "tables/leaderboard.md", "tables/leaderboard.tex"} < set(first)
    assert {"tables/statistics.csv", "tables/results.csv", "plots/1-factor.svg", "plots/1-seconds-dark.svg"} < set(
        first
    )
    assert len(list((tmp_path / "run" / "thumbs").rglob("*.webp"))) == 2 + 2 * 2 * 3


def test_what_a_killed_report_left_half_written_is_removed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a",)))
    folder = report([run]).parent
    whole = digests(folder)
    for name in (
        "plots/.1-factor.svg.4edaec55.part",
        "tables/.results.csv.00ff00ff.part",
        ".index.html.12345678.part",
    ):
        (folder / name).write_text("half")
    (folder / ".mine.part").write_text("somebody's own")
    report([Run(tmp_path / "run")])
    assert digests(folder).keys() == {*whole, ".mine.part"}


def test_a_second_report_makes_no_preview_again(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b")))
    report([run])
    files = [*(tmp_path / "run" / "thumbs").rglob("*.webp"), *(tmp_path / "run" / "redownsampled").rglob("*.png")]
    assert len(files) == 2 + 2 * (2 * 2 * 3)
    before = {path: path.stat().st_ino for path in files}
    report([run])
    assert {path: path.stat().st_ino for path in files} == before
    source = next((tmp_path / "run" / "sr").rglob("*.png"))
    save_png(np.full((64, 64, 3), 200, np.uint8), source)
    report([run])
    changed = {path for path in before if path.stat().st_ino != before[path]}
    layout = RunLayout(tmp_path / "run")
    assert changed == {layout.thumbnail(source), layout.redownsampled(source)}
    assert np.asarray(Image.open(layout.thumbnail(source))).mean() == pytest.approx(200, abs=2)
    assert np.asarray(Image.open(layout.redownsampled(source))).mean() == 200


def test_an_image_made_low_again_is_what_the_protocol_makes(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a",), factors=(16,)))
    report([run])
    layout = RunLayout(tmp_path / "run")
    source = layout.sr("m2", "faces", "a", 16)
    assert np.array_equal(load_png(layout.redownsampled(source)), make_lr(load_png(source), 16))


def test_a_damaged_picture_costs_one_preview(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,)))
    source = next((tmp_path / "run" / "sr").rglob("*.png"))
    source.write_bytes(source.read_bytes()[:100])
    report([run])
    assert str(source) in caplog.text
    assert len(list((tmp_path / "run" / "thumbs").rglob("*.webp"))) == 2 + 2 * 3 - 1


def test_one_file_holds_everything(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,)))
    page = report([run], out=tmp_path / "alone", is_single=True)
    assert list((tmp_path / "alone").iterdir()) == [page]
    source = page.read_text(encoding="utf-8")
    assert [link for link in re.findall(r'(?:href|src|srcset)="([^"]+)"', source) if link[0] not in "#d"] == []
    assert source.count("data:image/webp;base64,") == 2 + 2 * 3
    assert source.count("data:image/png;base64,") == 2
    assert "img-src data:;" in source


def test_one_file_stays_under_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,), size=256))
    monkeypatch.setattr(embedded, "BUDGET", 40_000)
    page = report([run], is_single=True)
    thumbnails = re.findall(r"data:image/webp;base64,([^\"]+)", page.read_text(encoding="utf-8"))
    assert len(thumbnails) == 2 + 2 * 3
    assert 10_000 < sum(len(base64.b64decode(one)) for one in thumbnails) <= 40_000


def quotes(folder: Path, values: Mapping[str, object] | None = None, **changed: object) -> Path:
    row = {"method": "G & <b>", "source": "A et al. 2021", "category": "faces", "factor": 16, **changed}
    lines = [f"{name} = {json.dumps(value)}" for name, value in row.items()]
    numbers = [f'values."{name}" = {value}' for name, value in (values or {"psnr": "26.80"}).items()]
    path = folder / "quoted.toml"
    path.write_text("\n".join(["[[row]]", *lines, *numbers]), encoding="utf-8")
    return path


def test_quoted_rows_are_marked_and_ranked_nowhere(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,)))
    page = report([run], quotes=quotes(tmp_path))
    source = page.read_text(encoding="utf-8")
    row = re.search(r'<tr class="quoted">.*?</tr>', source, re.DOTALL)[0]
    assert "G &amp; &lt;b&gt;" in row
    assert "quoted</span><small><bdi>A et al. 2021" in row
    assert "<span>26.80</span>" in row
    assert "best" not in row
    tables = page.parent / "tables"
    assert (
        r"G \& <b> \textit{(quoted: A et al. 2021)} &  & 26.80 & -- &" in (tables / "leaderboard.tex").read_text()
    )
    assert "quoted: A et al" in (tables / "leaderboard.md").read_text()
    quoted_lines = [line for line in (tables / "leaderboard.csv").read_text().splitlines() if "G & <b>" in line]
    empty = ",".join(['""'] * 5)
    assert quoted_lines == [f'"faces",16,"G & <b>","psnr","","26.80",{empty},False,"quoted from A et al. 2021"']


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factor": 4}, "unknown category and factor"),
        ({"url": "x"}, "key"),
    ],
)
def test_wrong_quotes_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,)))
    with pytest.raises(UsageError, match=message):
        report([run], quotes=quotes(tmp_path, **change))


def test_a_file_of_quotes_may_be_about_several_runs(tmp_path: Path) -> None:
    """Other leaderboards and metrics are passed over."""
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,), metrics=("psnr",)))
    path = quotes(tmp_path, values={"psnr": 26.5, "PSNR": 27, "lite2": 0.4})
    path.write_text(f"{path.read_text()}\n{quotes(tmp_path, category='celebahq').read_text()}", encoding="utf-8")
    source = report([run], quotes=str(path)).read_text(encoding="utf-8")
    assert source.count('<tr class="quoted">') == 1
    assert "<li>PSNR, lite2 of G &amp; &lt;b&gt; (A et al. 2021): not measured in " in source


def test_a_long_name_breaks_after_a_sign_first(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "run", RunSpec(methods=("./a/b<c>.py[amount=2,x=1]",), images=("a",), factors=(16,))
    )
    source = report([run]).read_text(encoding="utf-8")
    assert ">./a/<wbr>b&lt;c&gt;.py[<wbr>amount=<wbr>2,<wbr>x=<wbr>1]</bdi>" in source


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("run `bench prepare <x>`", "run <code>bench prepare &lt;x&gt;</code>"),
        ("5` & more", "5` &amp; more"),
        ("", ""),
    ],
)
def test_commands_in_sentences_are_code(sentence: str, expected: str) -> None:
    assert sentences.with_code(sentence) == expected


def test_nothing_points_to_another_host(usual_page: Path) -> None:
    source = usual_page.read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\s\"']+", source) == []
    for svg in usual_page.parent.rglob("*.svg"):
        addresses = re.findall(r"(?:href|src|url\()=?[\"']?(https?://[^\"')]+)", svg.read_text(encoding="utf-8"))
        assert addresses == []


def test_every_link_leads_to_a_file(usual_page: Path) -> None:
    from urllib.parse import unquote

    links = re.findall(r'(?:href|src|srcset)="([^"#]+)"', usual_page.read_text(encoding="utf-8"))
    assert len(links) > 5
    for link in links:
        assert (usual_page.parent / unquote(link)).exists(), link


def test_failures_gaps_and_provenance_are_told(usual_page: Path) -> None:
    source = usual_page.read_text(encoding="utf-8")
    assert "it took longer than 60 s" in source
    assert "its weights cannot be had" in source
    assert "LITE2 lacks 1 of 40 values (bicubic 1) for faces at 16\N{MULTIPLICATION SIGN}" in source
    assert "bench run --methods a,b &lt;x&gt;" in source
    assert "methods that hold the generator have an easy time" in source
    assert "Means over 6 of 8 images: those that all 4 compared methods completed." in source
    assert "a method of this table (GLEAN) was trained with this metric" in source


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec(images=()),
        RunSpec(images=("only",), factors=(16,)),
        RunSpec(methods=("bicubic",), images=("a", "b")),
        RunSpec(methods=("hr",), upper_bound="hr", images=("a",)),
        RunSpec(images=("a",), metrics=()),
        RunSpec(
            images=("a",), failed={(m, "a", f): (Status.ERROR, "x") for m in RunSpec().methods for f in (16, 32)}
        ),
    ],
    ids=["no image", "one image", "one method", "only the bound", "not scored", "all failed"],
)
def test_odd_runs_have_a_page(tmp_path: Path, spec: RunSpec) -> None:
    page = report([write_run(tmp_path / "run", spec)])
    source = page.read_text(encoding="utf-8")
    assert re.findall(r">\s*(?:nan|None|inf)\b", source) == []
    assert source.endswith("</html>")


def test_what_methods_recorded_is_in_no_leaderboard(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,), recorded={"m:missed_eps": 0.25}))
    source = report([run]).read_text(encoding="utf-8")
    methods = source[source.index('<section id="methods">') :]
    assert "m:missed_eps" in methods
    assert "m:missed_eps" not in source.removesuffix(methods)
    assert "missed_eps" not in (tmp_path / "run" / "report" / "tables" / "leaderboard.csv").read_text()


def test_pictures_without_an_original_have_a_page(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a",), factors=(16,), metrics=(), has_hr=False))
    folder = report([run]).parent
    assert len(list((folder.parent / "thumbs").rglob("*.webp"))) == 3


def test_the_lines_of_a_tip_stay_apart(usual_page: Path) -> None:
    source = usual_page.read_text(encoding="utf-8")
    assert re.search(r'data-tip="PSNR: [^"\n]+\n95 % interval [^"\n]+\np [^"\n]+\n', source)
    assert "\N{REPLACEMENT CHARACTER}" not in source


def test_the_warning_of_a_set_metric_is_on_the_page(usual_page: Path) -> None:
    assert "<li>FID: fewer than 2,048 images</li>" in usual_page.read_text(encoding="utf-8")


def test_plots_are_pictures_whatever_the_names(strange_page: Path) -> None:
    plots = list((strange_page.parent / "plots").glob("*.svg"))
    assert len(plots) == 2 * 3 * 2  # two categories at one factor: three plots each, light and dark
    for plot in plots:
        texts = "".join(ElementTree.parse(plot).getroot().itertext())
        assert HOSTILE[1] in texts
        assert "$x_1$" in texts


def test_the_axis_of_seconds_has_plain_numbers(usual_page: Path) -> None:
    drawn = (usual_page.parent / "plots" / "1-seconds.svg").read_text()
    assert "mathdefault" not in drawn
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    assert {"0.1", "0.3", "1", "3", "10"} & set(texts)


def test_the_dark_plot_differs_in_its_ink_alone(usual_page: Path) -> None:
    light = (usual_page.parent / "plots" / "1-factor.svg").read_text()
    dark = (usual_page.parent / "plots" / "1-factor-dark.svg").read_text()
    assert light != dark
    assert re.sub("#24292e|#dcdfe3", "", light) == re.sub("#e3e6ea|#3a4048", "", dark)


def test_several_runs_are_one_comparison(tmp_path: Path) -> None:
    failed = {("bicubic", "a", 16): (Status.ERROR, "it broke")}
    one = write_run(tmp_path / "one", RunSpec(methods=("nearest", "bicubic"), images=("a", "b"), failed=failed))
    two = write_run(tmp_path / "two", RunSpec(methods=("nearest", "bicubic", "glean"), images=("a", "b"), salt=1))
    comparison = Comparison((one, two))
    assert comparison.labels == ["nearest", "bicubic", "glean"]
    assert comparison.sr_path("bicubic", "faces", "a", 16).is_relative_to(tmp_path / "two")
    assert comparison.sr_path("bicubic", "faces", "b", 16).is_relative_to(tmp_path / "one")
    assert not (comparison.frame["status"] == "error").any()
    keys = ["method", "category", "factor", "image", "repeat", "metric"]
    assert not comparison.frame.duplicated(keys).any()
    page = report([one, two])
    assert page == tmp_path / "one" / "comparison" / "index.html"


def test_one_label_never_means_two_methods(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", RunSpec(methods=("mine", "other"), images=("a",)))
    two = write_run(tmp_path / "two", RunSpec(methods=("other", "mine"), images=("a",)))
    comparison = Comparison((one, two))
    assert comparison.labels == ["mine", "other", "other (two)", "mine (two)"]
    assert comparison.sr_path("mine (two)", "faces", "a", 16).is_relative_to(tmp_path / "two")


def test_an_empty_list_of_runs_is_refused() -> None:
    with pytest.raises(UsageError, match="no run to report"):
        report([])


def test_export_writes_the_long_table(usual: Run, tmp_path: Path) -> None:
    columns = ["method", "category", "factor", "image", "metric", "value", "signature", "status", "reason"]
    for suffix, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        path = tmp_path / f"all{suffix}"
        export(usual, path)
        table = read(path)
        assert list(table.columns) == columns
        assert len(table) == len(usual.frame)
        assert table["value"].tolist() == pytest.approx(usual.frame["value"].tolist(), rel=1e-15, nan_ok=True)
        assert set(table.loc[table["status"] == "timeout", "reason"]) == {"it took longer than 60 s"}


def test_export_writes_booktabs_with_escaped_names(tmp_path: Path) -> None:
    spec = RunSpec(methods=("a_b & {c}", "50%"), images=("x", "y"), factors=(16,), metrics=("psnr",))
    run = write_run(tmp_path / "run", spec)
    export(run, tmp_path / "table.tex")
    source = (tmp_path / "table.tex").read_text()
    assert r"a\_b \& \{c\} & " in source
    assert r"50\% & " in source
    assert re.search(r"\\textbf\{\d+\.\d\d\}", source)
    assert re.search(r"\\underline\{\d+\.\d\d\}", source)
    assert [line for line in source.splitlines() if line.endswith("rule")] == [
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
    ]


def test_export_refuses_other_suffixes(usual: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected \.csv, \.parquet or \.tex"):
        export(usual, tmp_path / "table.xlsx")


@pytest.mark.parametrize(
    ("value", "decimals", "printed"),
    [
        (1.005, 2, "1.00"),
        (-0.00001, 3, "0.000"),
        (float("inf"), 2, "∞"),
        (float("nan"), 2, "\N{EN DASH}"),
        (12.5, 0, "12"),
    ],
)
def test_numbers_print_once(value: float, decimals: int, printed: str) -> None:
    assert text.number(value, decimals) == printed


def test_names_of_any_bytes_can_be_written() -> None:
    assert text.plain("a\udcffb\x00c") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    assert text.address(Path("/run/sr/a b#?%\udcff.png"), Path("/run/report")) == "../sr/a%20b%23%3F%25%FF.png"
    assert text.short("a" * 50 + "z", 30).endswith("z")
    assert len(text.short("a" * 50, 30)) == 30
