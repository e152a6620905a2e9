"""What methods cost, from runs: a power law is found again, and the tables and plots are made of real columns."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from scripts import growth

SIDES = {"a": 64, "b": 128, "c": 256}


def run_of(_path):
    """Return a run of one method whose seconds are (side / 64)^3, that is pixels^1.5."""
    images = [
        SimpleNamespace(category="c", image=name, width=side, height=side // 2) for name, side in SIDES.items()
    ]
    values = [
        {"method": "m", "factor": 16, "category": "c", "image": name, "metric": metric, "value": value}
        for name, side in SIDES.items()
        for metric, value in (
            ("seconds", (side / 64) ** 3),
            ("peak_memory_mb", 10.0),
            ("gmacs", 2.0),
            ("psnr", 30.0),
        )
    ]
    return SimpleNamespace(images=images, frame=pd.DataFrame(values))


def test_the_exponent_of_a_power_law_is_found(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(growth, "Run", run_of)
    table = growth.costs([tmp_path])
    assert list(table["side"]) == [64, 128, 256]
    assert list(table["seconds median"]) == [1.0, 8.0, 64.0]
    assert list(table["n"]) == [1, 1, 1]
    (row,) = growth.exponents(table).itertuples(index=False)
    assert row.p == pytest.approx(1.5)
    monkeypatch.setattr("sys.argv", ["growth", "run", "--out", str(tmp_path / "costs.png")])
    growth.main()
    assert "| m | 16 | 1.5 | 64 | 256 |" in capsys.readouterr().out
    assert (tmp_path / "costs.png").read_bytes().startswith(b"\x89PNG")
