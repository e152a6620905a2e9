"""The check of a GPU, on the processor: each part writes its rows, and what is missing or fails is a row as well."""

from __future__ import annotations

from scripts import gpu_check


def test_the_tables(monkeypatch, capsys):
    monkeypatch.setattr(gpu_check, "is_here", lambda asset: not asset.name.startswith("efficientnet"))
    given = ("--device", "cpu", "--methods", "bicubic,nothing", "--metrics", "psnr,lite0")
    monkeypatch.setattr("sys.argv", ["gpu_check", *given])
    monkeypatch.setattr(gpu_check, "PASSES", 2)
    gpu_check.main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    bicubic = [row for row in rows if row[0] == "| bicubic"]
    assert [row[1] for row in bicubic] == ["16", "32", "64"]
    assert all("n 2)" in row[2] and row[4].startswith("0 of 255 at most") for row in bicubic)
    assert any("unknown method 'nothing'" in row[1] for row in rows)
    psnr, lite0 = (next(row for row in rows if row[0] == f"| {name}") for name in ("psnr", "lite0"))
    assert psnr[2] == psnr[4].removesuffix(" |")
    assert "not here: efficientnet/" in lite0[1]
