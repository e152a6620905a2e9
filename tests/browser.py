"""The browser that draws pages, for tests and pictures: Chromium or Chrome, the system's before Playwright's own."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def launch(playwright: Playwright) -> Browser:
    """Start the browser.

    Raises:
        FileNotFoundError: when there is none.
    """
    own = Path(playwright.chromium.executable_path)
    executable = next(filter(None, map(shutil.which, NAMES)), own if own.exists() else None)
    if executable is None:
        raise FileNotFoundError(
            f"no browser: none of {', '.join(NAMES)} is on the PATH; `make browser` installs one"
        )
    return playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
