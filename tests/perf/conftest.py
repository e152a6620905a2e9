"""Every benchmark says its figures, and how they compare with the aim."""

from __future__ import annotations

import pytest

from tests.perf.figures import Figures


@pytest.fixture
def report(request, capsys):
    """The figures of the test's file."""
    return Figures(request.path.stem.removeprefix("test_"), capsys)
