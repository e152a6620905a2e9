"""The tables of quality and cost in the documents, written from values that are kept beside them.

    scripts/tables.sh RUN PHOTOGRAPHS       makes the runs, keeps their values in docs/results.csv, writes them
    python -m scripts.tables [--keep RUN]   writes them, after it has kept the quality that a run has
    python -m scripts.tables --costs RUN    the same of seconds, memory and products, where it ran alone
    make perf                               times the suite, keeps the figures in docs/speed.csv, writes them

A value that is kept again replaces the earlier one; each has the commit of its run. In a document a table stands
between `<!-- table NAME -->` and `<!-- end of table -->`.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench import Better, UsageError, registry
from bench.base.files import write_atomically
from bench.store.results import Run
from reports.markup import markdown_line

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "results.csv"
FIGURES = ROOT / "docs" / "speed.csv"
"""What the benchmarks (`tests/perf`) measured."""
DOCUMENTS = ("docs/speed.md", "README.md", "methods/README.md", "methods/glean/weights/README.md")
FACTORS = (16, 32, 64)
SAMPLES, PHOTOGRAPHS = "faces", "celeba"
"""The categories of the run."""
CHOSEN_ON = 10
"""Of the photographs so many, the first by name, chose GLEAN's weights."""
ONE_PASS = ("glean", "esrgan+", "bicubic")
METHODS = ("glean", "esrgan+", "dgp", "mganprior", "pulse", "idinvert", "singan", "esrgan", "bicubic")
"""In the order of a table's rows; those that a run has."""
COSTS = ("seconds", "peak_memory_mb", "gmacs")
METRICS = ("psnr", "lr_psnr", "lpips", "lite2", "dlib")
_DIGITS = {"psnr": 2, "lr_psnr": 1}
"""After the point; three for all others."""
_COLUMNS = ["category", "factor", "method", "metric", "image"]
_AND = " and "
_BETWEEN = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


class Results(NamedTuple):
    """The values that the tables are made of, one row each, with the commit of their run."""

    frame: pd.DataFrame

    @classmethod
    def read(cls, path: Path = KEPT) -> "Results":
        """Read what `keep` wrote."""
        return cls(pd.read_csv(path, dtype={"image": str, "commit": str}))

    def means(self, methods: Sequence[str], metrics: Sequence[str]) -> "Means":
        """Return the means over the images that all of these methods completed."""
        chosen = self.frame[self.frame["method"].isin(methods) & self.frame["metric"].isin(metrics)]
        every = chosen.pivot_table(
            index=["category", "factor", "metric", "image"], columns="method", values="value"
        )
        every = every[[*methods]].dropna()
        groups = every.groupby(["category", "factor", "metric"])
        counts = groups.size().groupby("category").max()
        return Means(groups.mean().T, counts, _named(chosen["commit"]))


class Means(NamedTuple):
    """Means of methods."""

    values: pd.DataFrame
    """A row a method, a column a category, factor and metric."""
    counts: "pd.Series[int]"
    """Over how many images, by category."""
    commits: str

    def printed(self, category: str, metric: str, factors: Sequence[int] = FACTORS) -> "pd.Series[str]":
        """Return what is printed of each method at some factors, with a slash between, the best in bold face."""
        columns = [_figures(self.values[category, factor, metric], metric) for factor in factors]
        return pd.concat(columns, axis=1).agg(" / ".join, axis=1)


def keep(run: Path, metrics: Sequence[str] = METRICS) -> None:
    """Write the values of a run that the tables are made of, over those that are kept of the same cells.

    A time that counts for nothing is kept, with the reason, where there is no other. Costs replace all costs of a
    method.

    Raises:
        UsageError: when a command of the run was given from changed or installed code.
    """
    frame, commit = Run(run).frame, commits_of(run)
    is_kept = frame["metric"].isin(metrics) & frame["value"].notna()
    values = frame.loc[is_kept, [*_COLUMNS, "value", "reason"]]
    kept = Results.read(KEPT).frame if KEPT.is_file() else values[:0]
    is_stale = kept["metric"].isin(COSTS) & kept["method"].isin(values["method"]) & (metrics == COSTS)
    both = pd.concat([kept[~is_stale], values.assign(commit=commit)])
    last = both.drop_duplicates(_COLUMNS, keep="last").sort_values(_COLUMNS)
    write_atomically(KEPT, last.to_csv(index=False, float_format="%.6g").encode())


def commits_of(run: Path) -> str:
    """Return the commits from which the commands of a run were given.

    Raises:
        UsageError: when one was given from changed or installed code.
    """
    sources = {command["source"] for command in Run(run).provenance["commands"]}
    if unknown := sorted(source for source in sources if not re.fullmatch("[0-9a-f]{12,40}", source)):
        remedy = "commit, and make the run in another folder"
        raise UsageError(f"the tables name commits; {run} was made by other code", got=unknown[0], remedy=remedy)
    return _AND.join(sorted(source[:7] for source in sources))


def _named(commits: "pd.Series[str]") -> str:
    """Return all commits of values, each once."""
    return _AND.join(sorted({commit for text in commits.unique() for commit in text.split(_AND)}))


def fill(document: str, results: Results) -> str:
    """Return a document with the kept figures in each of its tables."""

    def filled(table: re.Match[str]) -> str:
        name = table[2]
        return table[1] + (TABLES[name](results) if name in TABLES else speed(name)) + table[3]

    return _BETWEEN.sub(filled, document)


def headline(results: Results) -> str:
    """Return what a reader asks for first: how each method of one pass restores photographs."""
    titles = {"lpips": "LPIPS", "dlib": "identity (dlib)", "psnr": "PSNR, dB"}
    means = results.means(ONE_PASS, [*titles])
    columns = [means.printed(PHOTOGRAPHS, metric) for metric in titles]
    rows = [[f"`{name}`", *(column[name] for column in columns)] for name in ONE_PASS]
    what = f"16x / 32x / 64x, means over {means.counts[PHOTOGRAPHS]} CelebA-HQ photographs"
    return _markdown(["method", *titles.values()], rows, what, means.commits)


def compared(results: Results) -> str:
    """Return how all methods restore the images that all of them restored."""
    has_lr_psnr = results.frame["metric"] == "lr_psnr"
    methods = [name for name in METHODS if name in {*results.frame["method"][has_lr_psnr]}]
    means = results.means(methods, METRICS)
    columns = {
        f"{title}, {of}": means.printed(category, metric)
        for metric, title in {"lpips": "LPIPS", "dlib": "dlib"}.items()
        for category, of in {SAMPLES: "samples", PHOTOGRAPHS: "photographs"}.items()
    }
    of_samples, of_photographs = (
        means.printed(category, "lr_psnr", FACTORS[:1]) for category in (SAMPLES, PHOTOGRAPHS)
    )
    columns["LR PSNR at 16x, samples / photographs"] = of_samples + " / " + of_photographs
    rows = [[f"`{name}`", *(column[name] for column in columns.values())] for name in methods]
    counts = f"{means.counts[SAMPLES]} sampled faces and {means.counts[PHOTOGRAPHS]} CelebA-HQ photographs"
    return _markdown(["method", *columns], rows, f"16x / 32x / 64x, means over the first {counts}", means.commits)


def glean(results: Results) -> str:
    """Return what GLEAN's weights reach beside the other methods of one pass."""
    methods = {"bicubic": "bicubic", "esrgan+": "esrgan+", "glean[weights=faithful]": "faithful", "glean": "sharp"}
    titles = {"psnr": "PSNR, dB", "lpips": "LPIPS", "lite2": "lite2", "dlib": "dlib"}
    is_photograph = results.frame["category"] == PHOTOGRAPHS
    names = sorted(results.frame["image"][is_photograph].unique())
    others = Results(results.frame[is_photograph & results.frame["image"].isin(names[CHOSEN_ON:])])
    rows = []
    for category, what, part in (
        (PHOTOGRAPHS, "{} CelebA-HQ photographs", results),
        (PHOTOGRAPHS, "the {} of them that chose nothing", others),
        (SAMPLES, "{} held-out samples", results),
    ):
        means = part.means([*methods], [*titles])
        for factor in FACTORS:
            for metric, title in titles.items():
                figures = means.printed(category, metric, [factor])
                rows.append(
                    [what.format(means.counts[category]), str(factor), title, *(figures[name] for name in methods)]
                )
    return _markdown(["images", "factor", "", *methods.values()], rows, "Means", means.commits)


def costs(results: Results) -> str:
    """Return what an image of each method costs, in the order of the seconds at the smallest factor."""
    rows = results.frame[results.frame["metric"].isin(COSTS)]
    groups = rows.groupby(["metric", "method", "factor"])
    medians, counted = groups["value"].median(), groups["reason"].count() == 0
    seconds, is_counted = medians["seconds"].unstack(), counted.xs("seconds").unstack()
    memory = groups["value"].max()["peak_memory_mb"].groupby("method").max() / 1000
    products = medians["gmacs"].unstack()
    titles = ["method", *(f"seconds at {factor}x" for factor in FACTORS), "memory, GB", "GMAC at 16x / 32x / 64x"]
    lines = [
        [
            f"`{name}`",
            *("~" * (not is_counted.at[name, factor]) + _brief(seconds.at[name, factor]) for factor in FACTORS),
            f"{memory[name]:.1f}",
            " / ".join(_brief(products.at[name, factor]) for factor in FACTORS),
        ]
        for name in seconds.sort_values(FACTORS[0]).index
    ]
    images = groups.size().xs("seconds")
    what = f"Medians of {images.min()} to {images.max()} images; ~: no pass had the machine to itself"
    return _markdown(titles, lines, what, _named(rows["commit"]))


TABLES = {table.__name__: table for table in (headline, compared, glean, costs)}


def speed(name: str) -> str:
    """Return what the benchmarks of `tests/perf/test_NAME.py` measured."""
    figures = pd.read_csv(FIGURES, dtype=str, keep_default_na=False)
    rows = figures[figures["table"] == name]
    commits, processors = (_AND.join(sorted(rows[of].unique())) for of in ("commit", "processor"))
    lines = rows[["what", "figure", "aim"]].to_numpy().tolist()
    return _table(["what", "measured", "aim"], lines, f"`make perf` at {commits}, {processors}.")


def _brief(value: float) -> str:
    """Return two digits, and all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _figures(means: "pd.Series[float]", metric: str) -> "pd.Series[str]":
    """Return what is printed of the means of methods, the best in bold face."""
    printed = means.map(lambda mean: f"{mean:.{_DIGITS.get(metric, 3)}f}")
    is_higher_better = registry.METRICS.create(metric).better is Better.HIGHER
    best = printed.iloc[means.argmax() if is_higher_better else means.argmin()]
    return printed.map(lambda figure: f"**{figure}**" if figure == best else figure)


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]], what: str, commits: str) -> str:
    return _table(titles, rows, f"{what}; `scripts/tables.sh RUN PHOTOGRAPHS` at {commits}.")


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], below: str) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    table = "\n".join(map(markdown_line, lines))
    return f"{table}\n\n{below}\n"


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="RUN")
    parser.add_argument("--costs", type=Path, metavar="RUN")
    given = parser.parse_args()
    runs = [(run, metrics) for run, metrics in ((given.keep, METRICS), (given.costs, COSTS)) if run]
    for run, _ in runs:
        commits_of(run)  # before anything is written
    for run, metrics in runs:
        keep(run, metrics)
    results = Results.read()
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        write_atomically(ROOT / name, fill(text, results).encode())


if __name__ == "__main__":
    main()
