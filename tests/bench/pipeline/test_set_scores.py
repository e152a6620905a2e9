"""Set metrics through a whole scoring: one value a method and factor, HR described once for those that agree."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from bench.base.progress import Reporter
from bench.cli.common import console
from bench.images.png import load_png
from bench.metrics import fid
from bench.pipeline.score import score_cells
from bench.registry import Registry
from bench.store.results import Run
from bench.store.store import Store
from bench.workers.jobs import Settings
from bench.workers.local import Machine
from tests.commands import bench

SETTINGS = Settings("cpu", 1, None, ".")


class Channels(fid.Fid):
    """The Fréchet distance of the images' mean colours: FID without its network."""

    seen: ClassVar[list[bytes]] = []

    def load(self, device) -> None:
        pass

    def assets(self):
        return ()

    def features(self, image):
        self.seen.append(image.tobytes())
        return image.mean((0, 1), dtype=np.float32)


def test_one_value_a_method_and_factor(folder, tmp_path, monkeypatch):
    done = bench(
        *("run", "--methods", "bicubic,nearest", "--category", f"mine={folder}", "--factor", "8,16"),
        *("--images", 0, "--metrics", "psnr", "--out", "run"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(Registry, "create", lambda registry, name: Channels())
    with Store(tmp_path / "run") as store:
        score_cells(store, ["fid"], Machine(), SETTINGS, redo=None, reporter=Reporter(console()))
    run = Run(tmp_path / "run")
    values = run.frame[run.frame.metric == "fid"].set_index(["method", "factor"]).value
    assert len(values) == 4
    assert len(Channels.seen) == 4 * 3 + 3, "HR was described more than once"
    sets = [gathered(run.layout.root.glob(part)) for part in ("sr/bicubic/x8/mine/*.png", "hr/mine/*.png")]
    assert values["bicubic", 8] == pytest.approx(fid.frechet(*sets), rel=1e-9)


def gathered(paths):
    moments = fid.Moments()
    for path in sorted(paths):
        moments.add(load_png(path).mean((0, 1), dtype=np.float32))
    return moments
