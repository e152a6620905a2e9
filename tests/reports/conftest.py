"""Runs written once for all tests of the report, and their pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store.records import Status
from bench.store.results import Run
from reports.report import report
from tests.reports.making import RunSpec, write_run

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "a\"b'c",
    "<script>alert(1)<\N{DIVISION SLASH}script>",
    "n" * 200,
    "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}\u202etxt",
    "\N{GRINNING FACE} emoji",
    " spaces $x_1$ %20 # ? & ",
)
"""Names of methods and of files; a file system refuses the slash of `</script>`, a method's label does not."""

USUAL = RunSpec(
    methods=("nearest", "bicubic", "pulse", "glean", "hr"),
    upper_bound="hr",
    training_metrics={"glean": ["lite2"]},
    titles={"glean": "GLEAN"},
    approaches={"pulse": "search"},
    failed={
        ("pulse", "0002", 32): (Status.TIMEOUT, "it took longer than 60 s"),
        ("pulse", "0003", 32): (Status.TIMEOUT, "it took longer than 60 s"),
    },
    unscored=(("bicubic", "0004", "lite2"),),
    unavailable_metrics=(("lpips_vgg", "its weights cannot be had", "bench prepare"),),
    images=tuple(f"{index:04d}" for index in range(1, 9)),
    fid=True,
)
STRANGE = RunSpec(
    methods=(*HOSTILE, "</script><script>alert(1)</script>"),
    images=tuple(name[:190] for name in HOSTILE),
    categories=("faces", "cats & <dogs>"),
    metrics=("psnr", "lpips"),
    factors=(16,),
    failed={(HOSTILE[0], HOSTILE[1], 16): (Status.ERROR, "</script><script>alert(1)</script>")},
    about="<script>alert(1)</script>",
    unavailable_metrics=(("<b>", "<i>reason</i>", "<u>remedy</u>"),),
)


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Four methods and HR itself on eight images at two factors; two cells failed, one value is missing."""
    return write_run(tmp_path_factory.mktemp("runs") / "usual", USUAL)


@pytest.fixture(scope="session")
def usual_page(usual: Run) -> Path:
    """The report of `usual`."""
    return report([usual])


@pytest.fixture(scope="session")
def strange_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run in which every name and every reason tries to be markup."""
    return report([write_run(tmp_path_factory.mktemp("runs") / "strange", STRANGE)])
