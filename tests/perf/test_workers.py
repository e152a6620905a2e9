"""How many images a second several workers restore, beside one."""

from __future__ import annotations

import re

import pytest

from tests.commands import bench

MOST = 28


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder of sampled faces."""
    folder = tmp_path_factory.mktemp("workers")
    given = (
        "--methods",
        "nearest",
        "--category",
        "faces",
        "--factor",
        "16",
        "--metrics",
        "psnr",
        "--images",
        MOST,
    )
    done = bench("run", *given, "--out", "drawn", cwd=folder, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("method", "factor", "few", "many", "aim"), [("esrgan", 32, 2, 8, 1.7), ("glean", 16, 4, 28, 1.3)]
)
def test_two_workers_beside_one(drawn, report, method, factor, few, many, aim):
    """What many images take longer than few does not hold the start.

    On two cores a pass of half a second leaves no core for the process that writes.
    """
    one, two = (_rate(drawn, method, factor, (few, many), workers) for workers in (1, 2))
    report(
        f"{method}: images a second, one worker of one thread, two, their ratio",
        f"{one:.2f}, {two:.2f}, {two / one:.2f}",
    )
    assert two / one >= aim


def _rate(folder, method, factor, counts, workers):
    seconds = []
    for images in counts:
        done = bench(
            *("run", "--methods", method, "--category", "again=drawn/hr/faces", "--factor", factor),
            *("--images", images, "--metrics", "psnr", "--executor", "ray", "--workers", workers),
            *("--threads", "1", "--out", f"{method}-{workers}-{images}"),
            cwd=folder,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr
        told = re.search(rf"{method}: \d+ in ([\d.]+) s", done.stdout)
        assert told, done.stdout
        seconds.append(float(told[1]))
    return (counts[1] - counts[0]) / (seconds[1] - seconds[0])
