"""Banks by name: built-in families are listed without torch, an installed package brings its own."""

import subprocess
import sys

import pytest

from bench.base.errors import UsageError
from bench.registry import BANKS
from bench.registry.banks import bank_assets, load_bank

BANK = '''
"""A bank of a test."""

from torch import nn

from bench import Bank, Latents


class Mine(Bank):
    """A constant grey."""

    name = "mine"
    ASSETS = ("nothing",)

    def __init__(self):
        super().__init__({4: 1}, Latents(1, 8))

    def map(self, z):
        return z

    def block(self, r, x, w, noise, label=None):
        return w[:, :1, :1, None].expand(-1, 1, 4, 4)

    def rgb(self, r, x, w, image):
        return x.expand(-1, 3, -1, -1)

    def groups(self):
        return []
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "their_bank.py").write_text(BANK)
    information = tmp_path / "their_bank-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: their-bank\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[bench.banks]\nmine = their_bank:Mine\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_families_are_listed_without_torch() -> None:
    code = "import sys; from bench.registry import BANKS; print(*BANKS.entries(), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["biggan", "mobilestylegan", "pggan", "stylegan1", "stylegan2", "False"]


def test_an_installed_package_brings_a_bank(package) -> None:
    from methods.shared import banks

    assert BANKS.find("mine").summary == "A constant grey."
    assert load_bank("mine").resolution == banks.load("mine").resolution == 4
    assert bank_assets("mine") == ("nothing",)


def test_an_unknown_bank_shows_close_matches(package) -> None:
    with pytest.raises(UsageError, match=r"unknown bank 'minne'.*did you mean mine"):
        load_bank("minne")
    with pytest.raises(UsageError, match=r"unknown bank 'pggan'.*did you mean pggan-c"):
        load_bank("pggan")
