"""How long a page of 200 images, 12 methods and 3 factors takes until it answers."""

from __future__ import annotations

import time

from reports.report import report
from tests.reports.making import RunSpec, write_run
from tests.reports.page.conftest import wait_until


def test_a_large_page_answers_within_two_seconds(tmp_path, opened):
    methods = tuple(f"method {index}" for index in range(12))
    images = tuple(f"{index:04d}" for index in range(200))
    spec = RunSpec(methods=methods, images=images, factors=(16, 32, 64), metrics=("psnr", "lpips", "dlib"))
    index = report([write_run(tmp_path / "run", spec)])
    begun = time.monotonic()
    page = opened(index)
    page.locator("select[name=sort]").select_option(index=1)
    wait_until(page, "document.querySelectorAll('#rows > *').length > 0")
    assert time.monotonic() - begun < 2
