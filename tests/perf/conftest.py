"""Every benchmark says its figure, on the terminal whatever pytest captures."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def report(capsys):
    def say(what, figure):
        with capsys.disabled():
            sys.stdout.write(f"\n  {what}: {figure}")

    return say
