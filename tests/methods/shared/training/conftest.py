"""What the tests of trainings share: the embedded bank, and no pictures of curves."""

from __future__ import annotations

import pytest

from methods.shared import banks
from methods.shared.training import sample_grid


@pytest.fixture
def no_curves_picture(monkeypatch):
    """Leave out the picture of the curves, which costs more than the steps of a short training."""
    monkeypatch.setattr(sample_grid, "_plot", lambda *_: None)


@pytest.fixture(scope="session")
def bank():
    return banks.load("mobilestylegan")
