"""Training that every trained method shares: data, losses, stages, loop and state.

    train("glean", "mobilestylegan", (16, 32, 64), None, Path("training/glean"))

A method that can be trained has `methods/NAME/recipe.py` with `recipe(bank, factors, data, out, start)`; a + in
its name is written _plus there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Unavailable, UsageError
from bench.base.errors import unknown
from bench.base.files import file_digest

if TYPE_CHECKING:
    from methods.shared.training.recipe import Recipe, Stage


def train(
    method: str,
    bank: str,
    factors: tuple[int, ...],
    data: Path | None,
    out: Path,
    *,
    start: Path | None = None,
    steps: Mapping[str, int] | None = None,
    rate: float = 1.0,
    batch: int = 1,
    cpu: bool = False,
) -> None:
    """Train a method, or go on with the training that `out` holds.

    Args:
        method: its name.
        bank: the latent bank, by name or path.
        factors: those that it shall restore.
        data: a folder of the user's own images, drawn in turn with the bank's samples.
        out: the folder of state, sample grids, curves and weights.
        start: weights to start from, with a fresh optimiser.
        steps: the steps of single stages, by name; a stage without steps is passed over.
        rate: what the recipe's learning rates are multiplied with.
        batch: what the images of a step are multiplied with.
        cpu: keep to the CPU.

    Raises:
        Unavailable: when a package that training needs is not installed.
        UsageError: when the method cannot be trained, a stage has another name, or the rate is none.
        MethodError: when a loss is not finite.
        StoreError: when the state cannot be written, or is that of another training.
    """
    if find_spec("accelerate") is None:
        remedy = 'pip install "glean-bench[train]"'
        raise Unavailable("nothing can be trained here", got="no Python package accelerate", remedy=remedy)
    make_recipe = _find_recipe(method)
    from methods.shared.training.loop import Loop

    recipe = make_recipe(bank, factors, data, out, start)
    recipe.stages = plan_stages(recipe.stages, steps or {}, rate, batch)
    Loop(recipe, out, cpu=cpu, origin=_origin(start, data)).run()


def trainable() -> list[str]:
    """Return the names of the methods that have a recipe."""
    folders = (path.parent for path in Path(__file__).parents[2].glob("*/recipe.py"))
    return sorted(folder.name.replace("_plus", "+") for folder in folders)


def _find_recipe(method: str) -> Callable[..., Recipe]:
    if method not in trainable():
        expected = f"one of {', '.join(trainable())}"
        raise UsageError(f"method '{method}' cannot be trained", expected=expected)
    try:
        module = import_module(f"methods.{method.replace('+', '_plus')}.recipe")
    except ModuleNotFoundError as error:
        missing = f"no Python package {error.name}"
        raise Unavailable(f"{method} cannot be trained here", got=missing, remedy="install it") from error
    return module.recipe


def _origin(start: Path | None, data: Path | None) -> tuple[str, str]:
    """Say what a training begins with and what images it sees: another start or folder is another training."""
    from methods.shared.training.samples import folder_digest

    weights = "random weights" if start is None else f"weights {file_digest(start):.12}"
    images = "no images of one's own" if data is None else f"images {folder_digest(data):.12}"
    return f"from {weights}", f"with {images}"


def plan_stages(
    stages: Sequence[Stage], steps: Mapping[str, int], rate: float = 1.0, batch: int = 1
) -> tuple[Stage, ...]:
    """Return the stages with other step counts, and their learning rates and batches multiplied.

    Raises:
        UsageError: when a name is no stage, or the rate is not a positive number.
    """
    names = [stage.name for stage in stages]
    for name in steps:
        if name not in names:
            raise unknown("stage", name, names)
    if not 0 < rate < inf:
        raise UsageError("--rate", got=rate, expected="a positive number, such as 0.5")
    return tuple(
        replace(
            stage,
            steps=steps.get(stage.name, stage.steps),
            rate=rate * stage.rate,
            batch=batch * stage.batch,
        )
        for stage in stages
    )
