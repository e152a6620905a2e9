"""A real browser that has no network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.browser import launch

_PATIENCE = 30_000
"""Milliseconds that a page may take on a busy machine."""
expect.set_options(timeout=_PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
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
        page.set_default_timeout(_PATIENCE)
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
