"""Previews are made while restoring, travel with a merge, and cost nothing when they fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.images import previews
from bench.images.degradation import make_lr
from bench.images.png import load_png, save_png
from bench.store.layout import RunLayout
from bench.store.merge import merge
from tests.commands import bench


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Path:
    arguments = ["--methods", "nearest", "--category", f"mine={folder}", "--factor", "16", "--metrics", "psnr"]
    done = bench("run", *arguments, "--device", "cpu", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


def test_restoring_leaves_previews_of_every_picture(run: Path, tmp_path: Path) -> None:
    pictures = [*(run / "hr").rglob("*.png"), *(run / "sr").rglob("*.png")]
    layout = RunLayout(run)
    assert len(pictures) >= 2
    for picture in pictures:
        assert layout.thumbnail(picture).stat().st_mtime_ns == picture.stat().st_mtime_ns
    for sr in (run / "sr").rglob("*.png"):
        assert np.array_equal(load_png(layout.redownsampled(sr)), make_lr(load_png(sr), 16))
    fresh = [previews.of_sr(layout, sr, 16) for sr in (run / "sr").rglob("*.png")]
    assert previews.refresh(fresh) == 0, "a report would make them again"
    merge([run], tmp_path / "merged")
    for kind in ("thumbs", "redownsampled"):
        files = [
            {path.relative_to(root / kind) for path in (root / kind).rglob("*.*") if path.is_file()}
            for root in (run, tmp_path / "merged")
        ]
        assert files[0] == files[1]


def test_a_thumbnail_fits_its_square_and_keeps_its_shape(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    source = layout.hr("faces", "wide")
    save_png(np.zeros((200, 600, 3), np.uint8), source)
    assert previews.refresh([previews.of_hr(layout, source)]) == 1
    with Image.open(layout.thumbnail(source)) as image:
        assert image.size == (previews.SIDE, round(previews.SIDE / 3))


def test_a_preview_that_cannot_be_written_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout = RunLayout(tmp_path)
    source = layout.hr("faces", "a")
    save_png(np.zeros((16, 16, 3), np.uint8), source)
    (tmp_path / "thumbs").write_text("in the way")
    previews.write(previews.of_hr(layout, source), load_png(source))
    assert "has no preview" in caplog.text
