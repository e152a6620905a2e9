"""What bf16 is worth in a training: GLEAN's stages in float32 and in bf16, in turns, from the same weights.

    python -m scripts.compare_precisions --out training/precisions

Prints, for each stage, the images a second of both (by the median step) and how far the losses are apart: their
mean over the stage, and the median step. The samples are made beforehand and stay in `--out`.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from bench.base.device import Precision
from methods.glean.recipe import STAGES, GleanRecipe, recipe
from methods.shared.training.loop import Loop
from methods.shared.training.recipe import Stage, Terms
from methods.shared.training.step import Step
from reports.markup import markdown_line
from scripts.compare_variants import START, one_image

PRECISIONS: tuple[Precision, Precision] = ("no", "bf16")
"""As accelerate names them; `no` is float32."""
HEAD = (
    "stage",
    "images/s, float32",
    "images/s, bf16",
    "ratio",
    "loss, float32",
    "bf16 / float32",
    "median step apart",
)


@dataclass
class _Recorded(GleanRecipe):
    steps: list[tuple[float, float]] = field(default_factory=list)
    """When each step began, in seconds, and the sum of its losses, without those of the discriminator."""

    def terms(self, network: nn.Module, stage: Stage, step: Step) -> Terms:
        began = time.monotonic()
        terms = super().terms(network, stage, step)
        self.steps.append((began, sum(float(loss.detach()) for loss in terms.losses.values())))
        return terms


def train_stage(out: Path, precision: Precision, stages: Sequence[Stage]) -> npt.NDArray[np.float64]:
    """Go on with a training from the end of the stage before the last of these to the end of the last.

    Only the first call in a process can choose the precision.

    Args:
        out: of the samples; the training has a folder in it.
        precision: the training's.
        stages: all since the training began.

    Returns:
        Seconds and loss of each step but the last, (steps - 1, 2).
    """
    whole = recipe("mobilestylegan", (16, 32, 64), None, out, START)
    recorded = _Recorded(**{**vars(whole), "stages": stages})
    total, last = sum(stage.steps for stage in stages), stages[-1]
    before = sum(stage.steps * stage.batch for stage in stages[:-1])
    for step in range(last.steps):
        here = Step(total - last.steps + step, before + step * last.batch)
        recorded.draw(last, here, recorded.network.middle)
    Loop(recorded, out / precision, cpu=True, precision=precision).run()
    steps = np.array(recorded.steps)
    return np.stack([np.diff(steps[:, 0]), steps[:-1, 1]], 1)


def compare(out: Path, stages: Sequence[Stage]) -> list[Sequence[str]]:
    """Train in both precisions, a stage in turn, and return the table's rows."""
    for precision in PRECISIONS:
        shutil.rmtree(out / precision, ignore_errors=True)
    rows: list[Sequence[str]] = []
    for count, stage in enumerate(stages, 1):
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as workers:
            waiting = [workers.submit(train_stage, out, precision, stages[:count]) for precision in PRECISIONS]
            exact, half = (each.result() for each in waiting)
        rows.append(_row(stage, exact, half))
    return rows


def _row(stage: Stage, exact: npt.NDArray[np.float64], half: npt.NDArray[np.float64]) -> Sequence[str]:
    paces = [stage.batch / float(np.median(steps[:, 0])) for steps in (exact, half)]
    means = [float(steps[:, 1].mean()) for steps in (exact, half)]
    apart = float(np.median(abs(half[:, 1] / exact[:, 1] - 1)))
    numbers = [f"{paces[0]:.2f}", f"{paces[1]:.2f}", f"{paces[1] / paces[0]:.2f}"]
    return stage.name, *numbers, f"{means[0]:.4f}", f"{means[1] / means[0]:.4f}", f"{apart:.2%}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(prog="scripts.compare_precisions", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=50, help="of each stage")
    given = parser.parse_args(arguments)
    chosen = [one_image(stage, given.steps) for stage in STAGES if stage.name != "latents"]
    lines = [HEAD, ["---"] * len(HEAD), *compare(given.out, chosen)]
    sys.stdout.write("\n".join(map(markdown_line, lines)) + "\n")


if __name__ == "__main__":
    main()
