"""Several trainings in one plot: images are counted by stage, over folders that followed each other."""

from __future__ import annotations

import json

import pytest

from bench.base.errors import UsageError
from scripts.compare_trainings import draw, points


def write(folder, rows):
    folder.mkdir()
    lines = [
        json.dumps({"step": step, "stage": stage, "gain 64": 1.0, "gain 32": 1.0, "gain 16": 1.0})
        for step, stage in rows
    ]
    (folder / "curves.jsonl").write_text("\n".join(lines) + "\n")


def test_images_are_counted(tmp_path):
    write(
        tmp_path / "a",
        [
            (60, "latents"),
            (60, "validation"),
            (160, "base"),
            (160, "validation"),
            (170, "middle"),
            (170, "validation"),
        ],
    )
    write(tmp_path / "b", [(10, "full"), (10, "validation")])
    found = list(points([tmp_path / "a", tmp_path / "b"]))
    assert [point.images for point in found] == [100 * 6, 100 * 6 + 10 * 4, 100 * 6 + 20 * 4]
    assert [point.size for point in found] == ["128 pixels", "256 pixels", "256 pixels"]
    draw({"one": [tmp_path / "a", tmp_path / "b"], "two": [tmp_path / "a"]}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="holds no training"):
        list(points([tmp_path]))
