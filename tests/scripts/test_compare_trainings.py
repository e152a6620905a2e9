"""Several trainings in one plot: images are counted by stage, over folders that followed each other."""

from __future__ import annotations

import json

import pytest

from bench.base.errors import UsageError
from scripts.compare_trainings import draw, points


def write(folder, rows):
    folder.mkdir()
    lines = [
        json.dumps({"step": 1, "images": images, "stage": stage, "gain 64": 1.0, "gain 32": 1.0, "gain 16": 1.0})
        for images, stage in rows
    ]
    (folder / "curves.jsonl").write_text("\n".join(lines) + "\n")


def test_images_are_counted(tmp_path):
    write(
        tmp_path / "a",
        [
            (1920, "latents"),
            (1920, "validation"),
            (2520, "base"),
            (2520, "validation"),
            (2560, "middle"),
            (2560, "validation"),
        ],
    )
    write(tmp_path / "b", [(40, "full"), (40, "validation")])
    found = list(points([tmp_path / "a", tmp_path / "b"]))
    assert [point.images for point in found] == [600, 640, 680]
    assert [point.size for point in found] == ["128 pixels", "256 pixels", "256 pixels"]
    draw({"one": [tmp_path / "a", tmp_path / "b"], "two": [tmp_path / "a"]}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="holds no training"):
        list(points([tmp_path]))
