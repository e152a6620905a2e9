"""How many images a second several workers restore and score, beside one."""

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
    ("method", "factor", "few", "many", "aim"), [("esrgan", 32, 6, 12, 1.8), ("glean", 16, 8, 28, 1.7)]
)
def test_two_workers_beside_one(drawn, report, method, factor, few, many, aim):
    """What many images take longer than few holds neither the start of both workers nor what is timed alone."""
    one, two = (_rates(drawn, method, factor, (few, many), workers) for workers in (1, 2))
    for what, alone, shared, least in zip(
        (f"restore {method}", f"score {method}'s lite2"), one, two, (aim, 1.7), strict=True
    ):
        told = f"{shared:.2f} and {alone:.2f} images a second"
        report(f"two workers of one thread {what} / one", shared / alone, told, least=least)
    assert two[0] / one[0] >= aim
    assert two[1] / one[1] >= 1.7


def _rates(folder, method, factor, counts, workers):
    """Return how many images a second are restored and scored."""
    seconds = []
    for images in counts:
        done = bench(
            *("run", "--methods", method, "--category", "again=drawn/hr/faces", "--factor", factor),
            *("--images", images, "--metrics", "lite2", "--workers", workers),
            *("--threads", "1", "--out", f"{method}-{workers}-{images}"),
            cwd=folder,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr
        seconds.append([_seconds_of(stage, done.stdout) for stage in (method, "score lite2")])
    few, many = seconds
    return [(counts[1] - counts[0]) / (long - short) for short, long in zip(few, many, strict=True)]


def _seconds_of(stage, output):
    told = re.search(rf"^{stage}: \d+ in ([\d.]+) s", output, re.MULTILINE)
    assert told, output
    return float(told[1])
