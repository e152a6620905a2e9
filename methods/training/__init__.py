"""Training that every trained method shares: data, losses, stages, loop and state.

    train("glean", "mobilestylegan", (16, 32, 64), None, Path("training/glean"))

A method that can be trained has `methods/NAME/recipe.py` with `recipe(bank, factors, data, out, start)`; a + in
its name is written _plus there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bench.errors import UsageError, unknown
from methods.training.recipe import Recipe, Stage


def train(
    method: str,
    bank: str,
    factors: tuple[int, ...],
    data: Path | None,
    out: Path,
    *,
    start: Path | None = None,
    steps: Mapping[str, int] | None = None,
    cpu: bool = False,
) -> None:
    """Train a method, or go on with the training that `out` holds.

    Args:
        method: its name.
        bank: the latent bank, by name or path.
        factors: what it shall serve.
        data: a folder of the user's own images, drawn in turn with the bank's samples.
        out: the folder of state, sheets, curves and weights.
        start: shipped weights to start from, with a fresh optimiser; `out` must be empty.
        steps: the steps of single stages, by name; a stage without steps is passed over.
        cpu: keep to the CPU.

    Raises:
        UsageError: when the method cannot be trained, or a stage has another name.
        MethodError: when a loss is not finite.
        StoreError: when the state cannot be written.
    """
    from methods.training.loop import Loop

    try:
        module = import_module(f"methods.{method.replace('+', '_plus')}.recipe")
    except ModuleNotFoundError as error:
        raise UsageError(f"method '{method}' cannot be trained", expected="one with a recipe, as glean") from error
    recipe: Recipe = module.recipe(bank, factors, data, out, start)
    recipe.stages = planned(recipe.stages, steps or {})
    Loop(recipe, out, cpu=cpu).run()


def planned(stages: Sequence[Stage], steps: Mapping[str, int]) -> tuple[Stage, ...]:
    """Return the stages with other step counts.

    Raises:
        UsageError: when a name is no stage.
    """
    names = [stage.name for stage in stages]
    for name in steps:
        if name not in names:
            raise unknown("stage", name, names)
    return tuple(replace(stage, steps=steps.get(stage.name, stage.steps)) for stage in stages)
