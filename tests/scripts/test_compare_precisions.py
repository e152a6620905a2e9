"""The comparison of precisions: both train on the same images, each in its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from methods.glean.recipe import STAGES
from scripts.compare_precisions import HEAD, PRECISIONS, compare


@pytest.mark.slow
def test_a_stage_is_trained_in_both_precisions_with_nearly_the_same_losses(tmp_path):
    stages = [replace(stage, steps=3, batch=1) for stage in STAGES if stage.name == "base"]
    (row,) = compare(tmp_path, stages)
    cells = dict(zip(HEAD, row, strict=True))
    assert cells["stage"] == "base"
    assert float(cells["images/s, float32"]) > 0
    assert cells["bf16 / float32"] != "1.0000"
    assert float(cells["bf16 / float32"]) == pytest.approx(1, abs=0.02)
    assert all((tmp_path / precision / "state.pt").exists() for precision in PRECISIONS)
