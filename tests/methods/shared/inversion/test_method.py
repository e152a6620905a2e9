"""The adapters of the searches: what they refuse, and how they call themselves."""

from __future__ import annotations

import pytest

from bench.base.types import Category
from bench.registry.methods import create


@pytest.mark.parametrize("name", ["mganprior", "dgp", "idinvert", "pulse"])
@pytest.mark.parametrize(
    ("lr", "hr", "category", "says"),
    [
        ((16, 16), (1024, 1024), Category("faces", "faces"), None),
        ((16, 32), (1024, 2048), Category("faces", "faces"), "restores square images, this LR is 32x16"),
        ((16, 16), (256, 256), Category("faces", "faces"), "makes 1024 pixels, not 256"),
        ((16, 16), (1024, 1024), Category("cats", "cats"), "makes faces, this category shows cats"),
    ],
)
def test_what_is_refused(name, lr, hr, category, says):
    reason = create(name).method.supports(lr, hr, hr[0] // lr[0], category)
    assert reason is None if says is None else says in reason


@pytest.mark.parametrize("name", ["mganprior", "dgp", "singan", "idinvert"])
def test_the_preset_is_in_the_title_and_in_the_identity(name):
    fast, paper = create(name), create(f"{name}[preset=paper]")
    assert (fast.method.title[-6:], paper.method.title[-7:]) == ("(fast)", "(paper)")
    assert fast.identity != paper.identity
