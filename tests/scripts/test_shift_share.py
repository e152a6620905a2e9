"""Shifting the share: the logit moves at every pixel, and nothing else."""

from __future__ import annotations

import pytest
import torch

from methods.glean import weightfile
from methods.shared import banks
from scripts.compare_variants import START
from scripts.shift_share import SHIFT, main


@torch.no_grad()
def test_the_share_moves_by_the_shift_and_the_file_says_so(tmp_path):
    once, twice = tmp_path / "new" / "once.safetensors", tmp_path / "twice.safetensors"
    main(["--by", "-1", str(START), str(once)])
    main(["--by", "-0.5", str(once), str(twice)])
    history = weightfile.read_metadata(twice).history
    assert history == {**weightfile.read_metadata(START).history, SHIFT: -1.5}
    bank = banks.load("mobilestylegan")
    before, after = (weightfile.read(path, bank) for path in (START, twice))
    lr = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    size = before.middle
    first, second = before(lr, size), after(lr, size)
    assert torch.equal(first.image, second.image)
    assert (first.share.logit() - second.share.logit()).numpy() == pytest.approx(1.5, abs=0.01)
