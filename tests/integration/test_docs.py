"""The documentation builds without a warning and without the network, and says everything that is public."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import bench
from bench.base import toml
from methods.command import Card

ROOT = Path(__file__).parents[2]
ADDRESSES = re.compile(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(https?:)?//')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", target]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return target


def test_every_public_name_is_in_the_reference(site):
    page = (site / "api.html").read_text(encoding="utf-8")
    missing = [name for name in bench.__all__ if not re.search(rf'id="[\w.]+\.{name}"', page)]
    assert not missing


def test_no_page_loads_anything_from_the_network(site):
    pages = sorted(site.glob("*.html"))
    assert len(pages) > 10
    for page in pages:
        assert not ADDRESSES.search(page.read_text(encoding="utf-8")), page.name


def test_the_card_of_a_program_in_the_docs_is_one():
    """Every key of it, as it stands there."""
    (block,) = re.findall(r"```toml\n(name = .*?)```", (ROOT / "docs/other-tools.md").read_text(), re.DOTALL)
    card = toml.build(Card, tomllib.loads(block), "the card")
    assert card.name == "Theirs"
    assert {"{input}", "{output}"} <= {*card.command}
