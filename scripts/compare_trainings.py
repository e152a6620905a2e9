"""What several trainings reached over equal numbers of images: their validation, side by side.

    python -m scripts.compare_trainings glean=training/a,training/b esrgan+=training/c --out curves.png

A name's folders are trainings that followed each other; images without a loss on the picture (a stage of latents)
do not count.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from bench import UsageError

_SIZES = {"base": "128 pixels", "middle": "256 pixels", "full": "256 pixels", "adversarial": "256 pixels"}
"""The stages with pictures, and the size at which they are validated."""
_TITLES = {f"gain {1024 // factor}": f"{factor}x, dB above bicubic" for factor in (16, 32, 64)}
_LINES = {"128 pixels": "-", "256 pixels": "--"}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


class Point(NamedTuple):
    """One validation."""

    images: int
    size: str
    scores: Mapping[str, float]


def points(folders: Sequence[Path]) -> Iterator[Point]:
    """Yield the validations of trainings that followed each other.

    Raises:
        UsageError: when a folder holds no curves.
    """
    images = 0
    for folder in folders:
        path = folder / "curves.jsonl"
        if not path.is_file():
            raise UsageError(f"{folder} holds no training", expected="a curves.jsonl")
        drawn, stage = 0, "latents"
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["stage"] != "validation":
                stage = row["stage"]
            images += row["images"] - drawn if stage in _SIZES else 0
            drawn = row["images"]
            if row["stage"] == "validation" and stage in _SIZES:
                yield Point(images, _SIZES[stage], row)


def draw(trainings: Mapping[str, Sequence[Path]], out: Path) -> None:
    """Draw one panel an LR size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(_TITLES), 3.2), layout="constrained")
    for place, (score, title) in enumerate(_TITLES.items(), 1):
        axes = figure.add_subplot(1, len(_TITLES), place)
        for (name, folders), colour in zip(trainings.items(), cycle(_COLOURS), strict=False):
            validations = list(points(folders))
            for size, line in _LINES.items():
                curve = [(point.images, point.scores[score]) for point in validations if point.size == size]
                label = f"{name}, at {size}"
                if curve:
                    axes.plot(*zip(*curve, strict=True), line, marker=".", color=colour, label=label, linewidth=1)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("images with a loss on the picture", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=7)
    figure.savefig(out, dpi=110)


def main() -> None:
    """Read the arguments and draw."""
    parser = argparse.ArgumentParser(prog="scripts.compare_trainings", description=__doc__)
    parser.add_argument("trainings", nargs="+", metavar="NAME=FOLDER[,FOLDER...]")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    pairs = [text.partition("=") for text in arguments.trainings]
    if twice := [name for name, count in Counter(name for name, _, _ in pairs).items() if count > 1]:
        parser.error(f"{twice[0]} is named twice; a training's folders stand in one list, with commas")
    draw({name: [Path(folder) for folder in folders.split(",")] for name, _, folders in pairs}, arguments.out)


if __name__ == "__main__":
    main()
