"""The compare view in a real browser: every interaction by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from bench.images.png import load_png, save_png
from reports.report import report
from tests.reports.making import RunSpec, write_run
from tests.reports.page.conftest import wait_until

Open = Callable[..., Page]

pytestmark = pytest.mark.browser


@pytest.fixture
def compare(opened: Open, usual_page: Path) -> Page:
    """The compare view of the first image, opened by a click."""
    page = opened(usual_page)
    page.locator("#rows .row").first.scroll_into_view_if_needed()
    page.locator("#rows .frame img").first.click()
    expect(page.locator("#compare")).to_be_visible()
    wait_for_pictures(page)
    return page


def wait_for_pictures(page: Page) -> None:
    wait_until(
        page, "[...document.querySelectorAll('#compare img')].every((one) => one.complete && one.naturalWidth)"
    )


def transforms(page: Page) -> list[str]:
    return page.locator(".port img").evaluate_all("(all) => all.map((one) => one.style.transform)")


def scale(page: Page) -> float:
    scales = {float(re.search(r"scale\(([\d.]+)\)", one)[1]) for one in transforms(page)}
    assert len(scales) == 1, "the panes do not share one zoom"
    return scales.pop()


def port(page: Page) -> tuple[Locator, dict[str, float]]:
    locator = page.locator(".port").first
    return locator, locator.bounding_box()


def test_every_picture_is_shown_with_its_values(compare: Page) -> None:
    names = compare.locator(".pane .who").all_inner_texts()
    assert [name.strip() for name in names] == [
        "LR 16\N{MULTIPLICATION SIGN}",
        "nearest",
        "bicubic",
        "pulse",
        "GLEAN",
        "HR",
    ]
    assert compare.locator(".pane").nth(1).locator("dt").all_inner_texts()[:2] == ["PSNR", "SSIM"]
    sources = compare.locator(".port img").evaluate_all("(all) => all.map((one) => one.src)")
    assert not [source for source in sources if "thumbs" in source]


def test_wheel_and_keys_zoom_all_pictures_together(compare: Page) -> None:
    _, box = port(compare)
    compare.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    compare.mouse.wheel(0, -600)
    assert scale(compare) == pytest.approx(7.389, rel=1e-3)  # e²
    assert len(set(transforms(compare))) == 1
    compare.keyboard.press("0")
    assert scale(compare) == 1
    compare.keyboard.press("+")
    assert scale(compare) == pytest.approx(1.5)
    compare.keyboard.press("-")
    assert scale(compare) == pytest.approx(1)


def test_the_point_under_the_pointer_stays_when_zooming(compare: Page) -> None:
    _, box = port(compare)
    x, y = box["width"] * 0.7, box["height"] * 0.3
    compare.mouse.move(box["x"] + x, box["y"] + y)
    compare.mouse.wheel(0, -300)
    left, top = map(float, re.search(r"translate\(([-\d.]+)px, ([-\d.]+)px\)", transforms(compare)[0]).groups())
    assert (x - left) / scale(compare) == pytest.approx(x, abs=0.5)
    assert (y - top) / scale(compare) == pytest.approx(y, abs=0.5)


def test_drag_and_arrows_pan(compare: Page) -> None:
    compare.keyboard.press("+")
    compare.keyboard.press("+")
    before = transforms(compare)[0]
    _, box = port(compare)
    compare.mouse.move(box["x"] + 100, box["y"] + 100)
    compare.mouse.down()
    compare.mouse.move(box["x"] + 130, box["y"] + 110)
    compare.mouse.up()
    (x0, y0), (x1, y1) = (
        map(float, re.search(r"translate\(([-\d.]+)px, ([-\d.]+)px\)", one).groups())
        for one in (before, transforms(compare)[0])
    )
    assert (x1 - x0, y1 - y0) == (pytest.approx(30, abs=0.5), pytest.approx(10, abs=0.5))
    after = transforms(compare)[0]
    compare.keyboard.press("ArrowRight")
    assert transforms(compare)[0] != after


def test_pictures_are_pixelated_at_high_zoom(compare: Page) -> None:
    rendered = "getComputedStyle(document.querySelectorAll('.port img')[1]).imageRendering"
    for _ in range(8):
        compare.keyboard.press("+")
    assert compare.evaluate(rendered) == "pixelated"


def test_a_crop_is_shown_for_all(compare: Page) -> None:
    _, box = port(compare)
    compare.keyboard.down("Shift")
    compare.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    compare.mouse.down()
    compare.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.7)
    compare.mouse.up()
    compare.keyboard.up("Shift")
    assert scale(compare) == pytest.approx(4, rel=0.02)
    expect(compare.locator(".crop")).to_have_count(0)


def test_the_slider_moves_by_key_and_by_mouse(compare: Page) -> None:
    compare.keyboard.press("l")
    assert cut(compare) == 50
    compare.locator("#compare [name=cut]").focus()
    compare.keyboard.press("Home")
    assert cut(compare) == 0
    compare.keyboard.press("End")
    assert cut(compare) == 100
    _, box = port(compare)
    compare.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50)
    compare.mouse.down()
    compare.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    compare.mouse.up()
    assert cut(compare) == pytest.approx(25, abs=0.5)
    assert scale(compare) == 1


def cut(page: Page) -> float:
    """How many percent of the second picture are cut away at its left."""
    return float(re.search(r"([\d.]+)%", page.locator(".layer").nth(1).evaluate("(one) => one.style.clipPath"))[1])


def test_flicker_and_difference(compare: Page) -> None:
    compare.keyboard.press("f")
    second = compare.locator(".layer").nth(1)
    expect(second).to_be_visible()
    expect(second).to_be_hidden()
    compare.keyboard.press("d")
    expect(compare.locator(".layer").nth(1)).to_have_css("mix-blend-mode", "difference")
    expect(compare.locator(".pane"), "each against the reference, HR").to_have_count(5)
    compare.locator("#compare [name=b]").select_option("glean")
    wait_for_pictures(compare)
    names = compare.locator(".pane .who bdi").all_inner_texts()
    assert "GLEAN" not in names
    assert "HR" in names


def test_the_difference_of_equal_pictures_is_black(opened: Open, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a",), factors=(16,)))
    save_png(load_png(run.hr_path("faces", "a")), run.sr_path("glean", "faces", "a", 16))
    page = opened(report([run]), "#view=a&mode=difference&panes=glean")
    wait_for_pictures(page)
    assert _largest(page.locator(".port").screenshot()) == 0


def test_the_lr_check_is_black_where_sr_agrees_with_its_input(opened: Open, tmp_path: Path) -> None:
    """HR itself agrees with LR to the last bit; another picture does not."""
    run = write_run(tmp_path / "run", RunSpec(images=("a",), factors=(16,)))
    save_png(load_png(run.hr_path("faces", "a")), run.sr_path("glean", "faces", "a", 16))
    page = opened(report([run]), "#view=a")
    wait_for_pictures(page)
    page.locator(".stage").focus()
    page.keyboard.press("i")
    wait_for_pictures(page)
    assert [name.strip() for name in page.locator(".pane .who").all_inner_texts()] == [
        "nearest",
        "bicubic",
        "glean",
    ]
    assert _largest(page.locator(".port").nth(2).screenshot()) == 0
    assert _largest(page.locator(".port").nth(0).screenshot()) > 0


def test_two_fingers_zoom(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page, "#view=0001", width=390, has_touch=True)
    wait_for_pictures(page)
    box = page.locator(".port").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if apart else []})

    fingers("touchStart", 15)
    for apart in (25, 35, 45):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)
    assert scale(page) == pytest.approx(3, rel=0.05)


def test_a_crop_is_drawn_without_a_keyboard(compare: Page) -> None:
    compare.get_by_role("button", name="Crop").click()
    wait_for_pictures(compare)
    _, box = port(compare)
    compare.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2)
    compare.mouse.down()
    compare.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.45)
    compare.mouse.up()
    assert scale(compare) == pytest.approx(4, rel=0.02)
    compare.keyboard.press("c")
    expect(compare.get_by_role("button", name="Crop")).to_have_attribute("aria-pressed", "false")


def _largest(png: bytes) -> int:
    import io

    import numpy as np
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return int(pixels[4:-4, 4:-4].max())


def test_pictures_are_chosen_by_box_and_by_number(compare: Page) -> None:
    compare.locator("#compare .tools").get_by_label("nearest").click()
    expect(compare.locator(".pane")).to_have_count(5)
    compare.locator(".stage").focus()
    compare.keyboard.press("2")
    expect(compare.locator(".pane")).to_have_count(6)


def test_keys_move_between_images_and_factors(compare: Page) -> None:
    compare.keyboard.press("]")
    expect(compare.locator("#compare-title")).to_have_text("0002")
    compare.keyboard.press("[")
    expect(compare.locator("#compare-title")).to_have_text("0001")
    compare.keyboard.press("x")
    expect(compare.locator("#compare [name=f]")).to_have_value("32")
    compare.keyboard.press("Escape")
    expect(compare.locator("#compare")).to_be_hidden()
    expect(compare).not_to_have_url(re.compile("view="))


def test_an_address_restores_the_whole_view(compare: Page) -> None:
    compare.keyboard.press("x")
    compare.keyboard.press("]")
    compare.keyboard.press("]")
    compare.keyboard.press("l")
    for key in ("+", "+", "+", "ArrowRight"):
        compare.keyboard.press(key)
    wait_until(compare, "location.hash.includes('x=')")
    wait_for_pictures(compare)
    again = compare.context.new_page()
    again.goto(compare.evaluate("location.href"))
    wait_for_pictures(again)
    expect(again.locator("#compare-title")).to_have_text("0003")
    assert transforms(again) == transforms(compare)
    assert again.locator("#compare select").evaluate_all(
        "(all) => all.map((one) => one.value)"
    ) == compare.locator("#compare select").evaluate_all("(all) => all.map((one) => one.value)")


def test_pictures_that_are_not_square_keep_their_shape(opened: Open, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("wide",), factors=(16,), size=32, width=96))
    page = opened(report([run]), "#view=wide")
    wait_for_pictures(page)
    for box in [one.bounding_box() for one in page.locator(".port").all()]:
        assert box["width"] / box["height"] == pytest.approx(3, rel=0.01)


def test_a_small_window_shows_the_same(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page, "#view=0001", width=390, has_touch=True)
    wait_for_pictures(page)
    expect(page.locator(".pane")).to_have_count(6)
    page.get_by_role("button", name="+").tap()
    assert scale(page) == 2
    page.get_by_role("button", name="Close").tap()
    expect(page.locator("#compare")).to_be_hidden()
