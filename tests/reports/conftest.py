"""Runs made once for all tests of the report, and a real browser that has no network."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

import reports
from bench.store.results import Run
from bench.store.store import Status
from tests.reports.making import Made, write_run

NAMES = ("chromium", "chromium-browser", "google-chrome")
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

USUAL = Made(
    methods=("nearest", "bicubic", "pulse", "glean", "hr"),
    upper_bound="hr",
    training_metrics={"glean": ["lite2"]},
    titles={"glean": "GLEAN"},
    failed={
        ("pulse", "0002", 32): (Status.TIMEOUT, "it took longer than 60 s"),
        ("pulse", "0003", 32): (Status.TIMEOUT, "it took longer than 60 s"),
    },
    unscored=(("bicubic", "0004", "lite2"),),
    unavailable_metrics=(("lpips_vgg", "its weights cannot be had", "bench prepare"),),
    images=tuple(f"{index:04d}" for index in range(1, 9)),
    fid=True,
)
STRANGE = Made(
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
    return reports.build([usual])


@pytest.fixture(scope="session")
def strange_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run in which every name and every reason tries to be markup."""
    return reports.build([write_run(tmp_path_factory.mktemp("runs") / "strange", STRANGE)])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = next(filter(None, map(shutil.which, NAMES)), own if own.exists() else None)
        if found is None:
            pytest.fail(f"no browser: none of {', '.join(NAMES)} is on the PATH; `make browser` installs one")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page from the disk, with the network cut; anything wrong that it does fails the test."""
    wrongs: list[str] = []
    contexts = []

    def open_page(path: Path, address: str = "", width: int = 1440, **options: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: wrongs.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrongs.append(f"error: {error}"))
        page.on("dialog", lambda dialog: wrongs.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.on("requestfailed", lambda request: was_cancelled(request) or wrongs.append(f"failed: {request.url}"))
        page.on("request", lambda request: is_local(request.url) or wrongs.append(f"request: {request.url}"))
        page.goto(path.as_uri() + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrongs == []


def was_cancelled(request: Request) -> bool:
    """Whether the page itself gave up a picture, as on leaving or on another sorting."""
    return request.failure == "net::ERR_ABORTED"


def is_local(url: str) -> bool:
    """Whether an address needs no host."""
    return url.startswith(("file:///", "data:"))


def wait_until(page: Page, condition: str, seconds: float = 10) -> None:
    """Wait for a condition; the page's policy forbids the `eval` that Playwright's own waiting uses."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"still not true after {seconds} s: {condition}"
        time.sleep(0.05)
