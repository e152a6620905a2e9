"""How long an image takes beside two other torch processes, where a fair share is a third of the machine."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

import bench as package
from tests.commands import bench

CONVOLUTIONS = """import torch
torch.set_num_threads(2)
image, kernel = torch.rand(1, 64, 256, 256), torch.rand(64, 64, 3, 3)
with torch.inference_mode():
    while True:
        torch.conv2d(image, kernel, padding=1)
"""
AIM = 4.5


@pytest.mark.parametrize(("method", "images"), [("glean", 4), ("pulse", 1), ("dgp", 1)])
def test_beside_two_torch_processes(tmp_path, report, method, images):
    alone = _seconds(tmp_path, "alone", method, images)
    with _busy(2):
        beside = _seconds(tmp_path, "beside", method, images)
    told = f"{beside:.2f} and {alone:.2f} s"
    report(f"an image of {method} beside two busy processes / alone", beside / alone, told, most=AIM)
    assert beside <= AIM * alone


def _seconds(folder, out, method, images):
    given = ("--methods", method, "--category", "faces", "--factor", 32, "--images", images, "--metrics", "psnr")
    done = bench("run", *given, "--out", out, cwd=folder, timeout=1800)
    assert done.returncode == 0, done.stderr
    frame = package.read_results(folder / out)
    return frame[frame.metric == "seconds"].value.median()


@contextmanager
def _busy(count):
    """Let processes convolve in a loop, each in a session of its own, as commands of other people are."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", CONVOLUTIONS], start_new_session=True)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield
