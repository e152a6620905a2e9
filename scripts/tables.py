"""The tables of quality and cost in the documents, written from the values of one run, kept beside them.

    scripts/tables.sh RUN PHOTOGRAPHS       makes the run, keeps its values in docs/results.csv, writes the tables
    python -m scripts.tables [--keep RUN]   writes them from docs/results.csv, after it has kept those of a run

In a document a table stands between `<!-- table NAME -->` and `<!-- end of table -->`.
"""

import argparse
import re
import subprocess
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.base.files import write_atomically
from bench.store.results import Run

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "results.csv"
DOCUMENTS = ("README.md", "methods/glean/weights/README.md")
FACTORS = (16, 32, 64)
SAMPLES, PHOTOGRAPHS = "faces", "celeba"
"""The categories of the run."""
CHOSEN_ON = 10
"""Of the photographs so many, the first by name, chose GLEAN's weights."""
METHODS = ("glean", "esrgan+", "dgp", "mganprior", "pulse", "idinvert", "singan", "esrgan", "bicubic")
"""In the order of a table's rows; those that the run has."""
_METRICS = ("psnr", "lpips", "lite2", "dlib")
_COLUMNS = ["category", "factor", "method", "metric", "image"]
_TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


class Results(NamedTuple):
    """The values of a run, one row each, and what made them."""

    about: str
    frame: pd.DataFrame

    @classmethod
    def read(cls, path: Path = KEPT) -> "Results":
        """Read what `keep` wrote."""
        about, _, rows = path.read_text(encoding="utf-8").partition("\n")
        return cls(about.removeprefix("# "), pd.read_csv(StringIO(rows), dtype={"image": str}))

    def means(self, methods: Sequence[str]) -> tuple[pd.DataFrame, pd.Series]:
        """Return means over the images that all of these methods completed, and how many they are, by category.

        The means have a row a method and a column a category, factor and metric.
        """
        chosen = self.frame[self.frame["method"].isin(methods)]
        every = chosen.pivot_table(
            index=["category", "factor", "metric", "image"], columns="method", values="value"
        )
        every = every[[*methods]].dropna()
        counts = every.groupby(["category", "factor", "metric"]).size()
        return every.groupby(["category", "factor", "metric"]).mean().T, counts.groupby("category").max()


def keep(run: Path) -> None:
    """Write the values of a run that the tables are made of."""
    frame = Run(run).frame
    is_kept = frame["metric"].isin(_METRICS) & frame["value"].notna()
    values = frame.loc[is_kept, [*_COLUMNS, "value"]].sort_values(_COLUMNS)
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    about = f"# `scripts/tables.sh RUN PHOTOGRAPHS` at {commit}\n"
    write_atomically(KEPT, (about + values.to_csv(index=False, float_format="%.6g")).encode())


def fill(document: str, results: Results) -> str:
    """Return a document with the figures of these results in each of its tables."""
    return _TABLE.sub(lambda table: table[1] + TABLES[table[2]](results) + table[3], document)


def headline(results: Results) -> str:
    """Return what a reader asks for first: how each method restores photographs."""
    titles = {"lpips": "LPIPS", "dlib": "identity (dlib)", "psnr": "PSNR, dB"}
    restored = set(results.frame["method"])
    methods = [method for method in METHODS if method in restored]
    means, counts = results.means(methods)
    columns = [[_figures(means[PHOTOGRAPHS, factor, metric], metric) for factor in FACTORS] for metric in titles]
    rows = [
        [f"`{name}`", *(" / ".join(figures[name] for figures in column) for column in columns)] for name in methods
    ]
    what = f"16x / 32x / 64x, means over {counts[PHOTOGRAPHS]} CelebA-HQ photographs"
    return _markdown(["method", *titles.values()], rows, what, results)


def glean(results: Results) -> str:
    """Return what GLEAN's weights reach beside the other methods of one pass."""
    methods = {"bicubic": "bicubic", "esrgan+": "esrgan+", "glean[weights=faithful]": "faithful", "glean": "sharp"}
    titles = {"psnr": "PSNR, dB", "lpips": "LPIPS", "lite2": "lite2", "dlib": "dlib"}
    is_photograph = results.frame["category"] == PHOTOGRAPHS
    names = sorted(results.frame["image"][is_photograph].unique())
    others = Results(results.about, results.frame[is_photograph & results.frame["image"].isin(names[CHOSEN_ON:])])
    rows = []
    for category, what, part in (
        (PHOTOGRAPHS, "{} CelebA-HQ photographs", results),
        (PHOTOGRAPHS, "the {} of them that chose nothing", others),
        (SAMPLES, "{} held-out samples", results),
    ):
        means, counts = part.means([*methods])
        for factor in FACTORS:
            for metric, title in titles.items():
                figures = _figures(means[category, factor, metric], metric)
                rows.append(
                    [what.format(counts[category]), str(factor), title, *(figures[name] for name in methods)]
                )
    return _markdown(["images", "factor", "", *methods.values()], rows, "Means", results)


TABLES = {table.__name__: table for table in (headline, glean)}


def _figures(means: "pd.Series[float]", metric: str) -> "pd.Series[str]":
    """Return what is printed of the means of methods, the best in bold face."""
    printed = means.map(lambda mean: f"{mean:.{2 if metric == 'psnr' else 3}f}")
    best = printed.iloc[means.argmax() if metric == "psnr" else means.argmin()]
    return printed.map(lambda figure: f"**{figure}**" if figure == best else figure)


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]], what: str, results: Results) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n{what}; {results.about}.\n"


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="RUN")
    if run := parser.parse_args().keep:
        keep(run)
    results = Results.read()
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        write_atomically(ROOT / name, fill(text, results).encode())


if __name__ == "__main__":
    main()
