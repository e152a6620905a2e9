"""The tables of the documents hold the figures of the kept run, and a table is what its values say."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from bench.base.errors import UsageError
from scripts import tables
from tests.perf.figures import Figures


@pytest.fixture
def results():
    """Twelve images of each category that every method restored, and one that only bicubic did."""
    rows = [
        {"method": method, "category": category, "factor": factor, "image": image, "metric": metric}
        | {"value": (0.2 if method == "glean" else 0.5) + (9 if image == "odd" else int(image) / 50)}
        | {"commit": "abc1234" if method == "glean" else "def5678"}
        for method in (*tables.METHODS, "glean[weights=faithful]")
        for category in (tables.SAMPLES, tables.PHOTOGRAPHS)
        for factor in tables.FACTORS
        for image in (*map("{:02}".format, range(12)), *(["odd"] if method == "bicubic" else []))
        for metric in (*tables.METRICS, "ssim")
        if metric != "lr_psnr" or method not in ("singan", "glean[weights=faithful]")
    ]
    return tables.Results(pd.DataFrame(rows))


@pytest.mark.parametrize("name", tables.DOCUMENTS)
def test_no_figure_of_a_table_differs_from_the_kept_results(name):
    document = (tables.ROOT / name).read_text(encoding="utf-8")
    assert "<!-- table " in document
    assert tables.fill(document, tables.Results.read()) == document


def test_means_are_over_the_images_that_every_method_completed(results):
    table = tables.headline(results)
    assert re.search(r"\| `glean` \| \*\*0\.310\*\* / \*\*0\.310\*\* / ", table)
    assert "| `bicubic` | 0.610 / 0.610 / 0.610 |" in table
    assert "12 CelebA-HQ photographs; `scripts/tables.sh RUN PHOTOGRAPHS` at abc1234 and def5678." in table


def test_methods_are_compared_that_a_run_of_all_restored(results):
    lines = tables.compared(results).splitlines()
    glean, bicubic = ("**0.310**", "0.310"), ("0.610", "**0.6**")
    assert lines[2].startswith(f"| `glean` | {glean[0]} / {glean[0]} / {glean[0]} | ")
    assert lines[2].endswith(" | 0.3 / 0.3 |"), "higher is better"
    assert lines[-3].startswith(f"| `bicubic` | {bicubic[0]} / ")
    assert lines[-3].endswith(f" | {bicubic[1]} / {bicubic[1]} |")
    assert not any("singan" in line for line in lines)
    assert "the first 12 sampled faces and 12 CelebA-HQ photographs" in lines[-1]


def test_the_best_is_the_highest_where_higher_is_better(results):
    lines = tables.glean(tables.Results(results.frame[results.frame["image"] != "odd"])).splitlines()
    assert "| the 2 of them that chose nothing | 32 | lite2 | 0.710 | 0.710 | 0.710 | **0.410** |" in lines
    assert "| 12 CelebA-HQ photographs | 16 | PSNR, dB | **0.61** | **0.61** | **0.61** | 0.31 |" in lines
    assert "| 12 held-out samples | 64 | dlib | 0.610 | 0.610 | 0.610 | **0.310** |" in lines


def test_costs_are_the_medians_of_what_ran_alone_the_cheapest_method_first(results):
    rows = [
        {"method": method, "category": "faces", "factor": factor, "image": image, "metric": metric, "value": value}
        for method, seconds in (("pulse", 14.44), ("bicubic", 0.021))
        for factor in tables.FACTORS
        for metric, value in (("seconds", seconds), ("peak_memory_mb", 700 + seconds), ("gmacs", 1234.5))
        for image in ("00", "01")
    ]
    costs = pd.DataFrame(rows).assign(commit="abc1234", reason=None)
    costs.loc[(costs["method"] == "pulse") & (costs["factor"] == 64), "reason"] = "disturbed"
    lines = tables.costs(tables.Results(pd.concat([results.frame, costs]))).splitlines()
    assert lines[2] == "| `bicubic` | 0.021 | 0.021 | 0.021 | 0.7 | 1,234 / 1,234 / 1,234 |"
    assert lines[3] == "| `pulse` | 14 | 14 | ~14 | 0.7 | 1,234 / 1,234 / 1,234 |"
    assert lines[-1].startswith("Medians of 2 to 2 images")


def test_the_figures_of_a_benchmark_are_kept_and_printed(tmp_path, monkeypatch, capsys):
    kept = tmp_path / "speed.csv"
    monkeypatch.setattr(tables, "FIGURES", kept)
    monkeypatch.setenv("FIGURES", str(kept))
    scoring = Figures("scoring", capsys)
    scoring("ssim / theirs", 0.5, "0.4 to 0.6", most=1 / 3)
    scoring("ssim / theirs", 0.25, "0.2 to 0.3", most=1 / 3)
    scoring("two / one", 1.5, least=1.8)
    scoring("billions", 4321.0)
    Figures("store", capsys)("GB", 0.4)
    lines = tables.fill("<!-- table scoring -->\nold\n<!-- end of table -->\n", None).splitlines()
    assert lines[3:6] == [
        "| ssim / theirs | 0.25 (0.2 to 0.3) | at most 0.333 |",
        "| two / one | 1.5 | at least 1.8: not reached |",
        "| billions | 4,321 |  |",
    ]
    assert lines[7].startswith("`make perf` at ")


def test_an_old_table_is_replaced_and_nothing_else(results):
    document = "before\n<!-- table headline -->\n| old |\n<!-- end of table -->\nafter\n"
    filled = tables.fill(document, results)
    assert filled.startswith("before\n<!-- table headline -->\n| method | LPIPS |")
    assert filled.endswith(" at abc1234 and def5678.\n<!-- end of table -->\nafter\n")
    assert "old" not in filled


def test_what_is_kept_of_a_run_is_read_back(results, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "KEPT", tmp_path / "results.csv")
    frame = results.frame.assign(value=results.frame["value"].where(results.frame["image"] != "03"), reason=None)
    runs = {"first": frame.iloc[::-1], "second": frame[frame["method"] == "glean"].assign(value=7.0)}
    provenance = {"commands": [{"source": source} for source in ("0000000aaaaa", "1234567abcde")]}
    monkeypatch.setattr(tables, "Run", lambda name: SimpleNamespace(frame=runs[name], provenance=provenance))
    for name in runs:
        tables.keep(name)
    kept = tables.Results.read(tmp_path / "results.csv")
    assert set(kept.frame["metric"]) == set(tables.METRICS)
    assert {*kept.frame["commit"]} == {"0000000 and 1234567"}
    assert "means over 11 CelebA-HQ photographs" in tables.headline(kept)
    assert "| `glean` | 7.000 / 7.000 / 7.000 |" in tables.headline(kept)
    for other in ("1234567abcde+dirty", "installed"):
        provenance["commands"].append({"source": other})
        with pytest.raises(
            UsageError, match=f"tables name commits; second was made by other code: got {re.escape(other)}"
        ):
            tables.keep("second")
        provenance["commands"].pop()
