"""Make the pictures of README and docs from a run of sampled faces, whose report is drawn.

    bench run --methods 'glean,glean[weights=faithful],esrgan+,bicubic' --category faces --images 32 --out RUN
    bench report RUN
    python -m scripts.readme_pictures RUN --out docs

Sampled faces belong to nobody; a run of photographs is refused. Needs the extra `test` and `make browser`.
"""

import argparse
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser import launch

SIDE, FACTOR = 256, 64
VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "top": ("#f=32", {"viewport": {"width": 1440, "height": 1500}}),
    "dark": ("#f=32", {"viewport": {"width": 1280, "height": 1400}, "color_scheme": "dark"}),
    "phone": ("#f=32", {"viewport": {"width": 390, "height": 1100}, "has_touch": True}),
    "compare": ("#f=32&view=0001", {"viewport": {"width": 1440, "height": 900}}),
    "print": ("", {"viewport": {"width": 1040, "height": 1100}}),
}
"""By name: the page's address and the window."""


def shoot(report: Path, out: Path) -> None:
    """Write the page as `report-NAME.webp`, and the agreement of metrics alone."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name, (address, window) in VIEWS.items():
            page = browser.new_context(offline=True, **window).new_page()
            page.goto(report.resolve().as_uri() + address)
            page.emulate_media(media="print" if name == "print" else "screen")
            page.wait_for_timeout(1500)
            save(page.screenshot(), out / f"report-{name}.webp")
            if name == "top":
                save(page.locator("#agreement").screenshot(), out / "report-agreement.webp")
        browser.close()


def save(png: bytes, path: Path) -> None:
    """Write a screenshot as WebP."""
    Image.open(BytesIO(png)).convert("RGB").save(path, quality=80, method=6)


def draw_faces(run: Path, path: Path) -> None:
    """Write the first eight images at 64x, one below the other: LR, bicubic, GLEAN, HR."""
    names = sorted((run / "hr/faces").glob("*.png"))[:8]
    parts = (f"{part}/x{FACTOR}" for part in ("lr", "sr/bicubic", "sr/glean"))
    folders = [run / part / "faces" for part in (*parts, "hr")]
    sheet = Image.new("RGB", (SIDE * len(names), SIDE * len(folders)))
    for row, folder in enumerate(folders):
        for column, name in enumerate(names):
            image = Image.open(folder / name.name)
            kind = Image.Resampling.NEAREST if image.width < SIDE else Image.Resampling.LANCZOS
            sheet.paste(image.resize((SIDE, SIDE), kind), (SIDE * column, SIDE * row))
    sheet.save(path, quality=88, optimize=True)


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    arguments = parser.parse_args()
    categories = {folder.name for folder in (arguments.run / "hr").iterdir()}
    if categories != {"faces"}:
        parser.error(
            f"{arguments.run} has the categories {', '.join(sorted(categories))}; give one of `faces` alone"
        )
    draw_faces(arguments.run, arguments.out / f"glean-{FACTOR}x.jpg")
    shoot(arguments.run / "report" / "index.html", arguments.out)


if __name__ == "__main__":
    main()
