"""What methods cost, from the runs where they were measured, and how that grows with the side of the image.

    python -m scripts.growth runs/costs [RUN...] --out docs/costs.png

Prints a table (median and most seconds an image, peak memory, billions of multiplications) and, where a method was
run at several sides, the exponent p of seconds ~ pixels^p; draws both against factor and side.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from bench.store.results import Run
from reports.markup import markdown_line

_COSTS = {"seconds": ["median", "max"], "peak_memory_mb": ["max"], "gmacs": ["median"]}


def costs(runs: list[Path]) -> pd.DataFrame:
    """Return one row a method, side and factor, with `n` images; seconds, MB and billions of multiplications."""
    frames = []
    for path in runs:
        run = Run(path)
        sides = {(image.category, image.image): max(image.width, image.height) for image in run.images}
        frame = run.frame[run.frame.metric.isin(_COSTS)]
        frames.append(frame.assign(side=[sides[key] for key in zip(frame.category, frame.image, strict=True)]))
    values = pd.concat(frames).pivot_table(
        index=["method", "side", "factor", "category", "image"], columns="metric", values="value"
    )
    groups = values.groupby(["method", "side", "factor"])
    table = groups.agg({name: how for name, how in _COSTS.items() if name in values})
    table.columns = pd.Index([" ".join(column) for column in table.columns.to_flat_index()])
    return table.assign(n=groups.size()).reset_index()


def exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Return p of seconds ~ pixels^p for each method and factor that was run at two sides or more."""
    fits = []
    for (method, factor), rows in table.groupby(["method", "factor"]):
        if rows["side"].nunique() > 1:
            slope = np.polyfit(2 * np.log(rows["side"]), np.log(rows["seconds median"]), 1)[0]
            fits.append((method, factor, slope, rows["side"].min(), rows["side"].max()))
    return pd.DataFrame(fits, columns=["method", "factor", "p", "from side", "to side"])


def draw(table: pd.DataFrame, out: Path) -> None:
    """Draw seconds against factor at the largest side, and against side at each method's first factor."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    largest = table["side"].max()
    for method, rows in table.groupby("method"):
        first = rows[rows["factor"] == rows["factor"].min()].sort_values("side")
        for axes, points, x in ((left, rows[rows["side"] == largest], "factor"), (right, first, "side")):
            axes.plot(points[x], points["seconds median"], marker="o", linewidth=1, label=method)
    for axes, x in ((left, f"factor, {largest} pixels"), (right, f"side, {table['factor'].min()}x")):
        axes.set(xscale="log", yscale="log", xlabel=x, ylabel="seconds an image, median")
        axes.set_xticks(ticks := sorted(set(table[x.split(",")[0]])), ticks)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    left.legend(fontsize=7)
    figure.savefig(out, dpi=110)


def main() -> None:
    """Read the arguments, print and draw."""
    parser = argparse.ArgumentParser(prog="scripts.growth", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    table = costs(arguments.runs)
    for frame in (table, exponents(table)):
        rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.round(2).to_numpy(object).tolist()]
        sys.stdout.write("\n".join(markdown_line(map(str, row)) for row in rows) + "\n\n")
    draw(table, arguments.out)


if __name__ == "__main__":
    main()
