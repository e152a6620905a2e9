"""Trainings in two real processes: what each of them holds at the end is the same, in every stage."""

from __future__ import annotations

import subprocess
import sys

import pytest

TRAINING = """
import sys
from functools import partial
from pathlib import Path

from methods.shared import training
from methods.shared.training import loop, recipe, sample_grid

method, bank, out, *steps = sys.argv[1:]
sample_grid.SAMPLES, sample_grid._plot = 1, lambda *_: None
recipe.Pool = partial(recipe.Pool, first=16, growth=0)
whole = loop.Loop._stage


def stage(self, now, state):
    whole(self, now, state)
    parts = {"network": self.recipe.network, "discriminator": self.recipe.discriminator}
    for part, module in parts.items():
        for name, value in module.named_parameters():
            one, other = self.accelerator.gather(value.detach().flatten()[None])
            assert one.equal(other), f"{part} {name} differs after {now.name}"
    assert self.accelerator.num_processes == 2
    if self.accelerator.is_main_process:
        print("same after", now.name)


loop.Loop._stage = stage
steps = {name: int(count) for name, count in (step.split("=") for step in steps)}
training.train(method, bank, (8,), None, Path(out), steps=steps, cpu=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "stages"),
    [
        ("glean", ["latents", "base", "middle", "full", "adversarial"]),
        ("esrgan+", ["base", "middle", "full", "adversarial"]),
        ("idinvert", ["latents", "domain", "adversarial"]),
    ],
)
def test_two_processes_stay_the_same(method, stages, small, tmp_path):
    script = tmp_path / "training.py"
    script.write_text(TRAINING)
    steps = [f"{stage}=1" for stage in stages]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, script, method, small, tmp_path / "out", *steps],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == [f"same after {stage}" for stage in stages]
