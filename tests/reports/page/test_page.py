"""The page in a real browser, opened from the disk with the network cut."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bench.store.records import Status
from bench.store.results import Run
from reports.report import report
from tests.reports.conftest import HOSTILE, STRANGE, USUAL
from tests.reports.making import SIGNATURES, RunSpec, write_run
from tests.reports.page.conftest import is_local, wait_until

Open = Callable[..., Page]

pytestmark = pytest.mark.browser


def see_everything(page: Page) -> None:
    """Scroll every row into view and wait for its pictures."""
    for row in page.locator("#rows .row").all():
        row.scroll_into_view_if_needed()
        expect(row.locator("figure").first).to_be_visible()
    wait_until(
        page, "[...document.querySelectorAll('#rows img')].every((one) => one.complete && one.naturalWidth)"
    )


def column(page: Page, name: str) -> list[float]:
    """Return a visible leaderboard's column, top to bottom, bounds left out."""
    cells = page.locator(
        f'#leaderboard .slice[data-factor] .board:visible tbody tr:not(.bound) td[data-column="{name}"]'
    )
    return [float(cell.get_attribute("data-value") or "nan") for cell in cells.all()]


@pytest.mark.parametrize("factor", USUAL.factors)
def test_every_row_and_every_picture_is_there(opened: Open, usual_page: Path, factor: int) -> None:
    page = opened(usual_page, f"#f={factor}")
    expect(page.locator("#leaderboard .slice[data-factor] .board:visible tbody tr")).to_have_count(
        len(USUAL.methods)
    )
    assert page.locator("#rows .row h3 bdi").all_inner_texts() == list(USUAL.images)
    see_everything(page)
    failed = sum(at == factor for _, _, at in USUAL.failed)
    shown = len(USUAL.images) * len(USUAL.methods)  # LR and HR, and the methods but the bound, which is HR
    expect(page.locator("#rows figure")).to_have_count(shown + len(USUAL.images))
    expect(page.locator("#rows img")).to_have_count(shown + len(USUAL.images) - failed)
    assert page.locator("#rows .failed").all_inner_texts() == ["timeout: it took longer than 60 s"] * failed


def test_nothing_full_size_is_loaded_before_the_reader_asks(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    see_everything(page)
    loaded = page.evaluate("[...document.images].map((one) => decodeURI(one.currentSrc))")
    assert [source for source in loaded if "/sr/" in source and "/thumbs/" not in source] == []
    assert [source for source in loaded if "/hr/" in source and "/thumbs/" not in source] == []


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", ["usual_page", "strange_page"])
def test_nothing_is_wider_than_the_window(
    opened: Open, request: pytest.FixtureRequest, name: str, width: int
) -> None:
    page = opened(request.getfixturevalue(name), width=width)
    see_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#rows .frame img").first.click()
    expect(page.locator("#compare")).to_be_visible()
    assert page.evaluate("document.getElementById('compare').scrollWidth") <= width


def test_names_are_text_and_never_markup(opened: Open, strange_page: Path) -> None:
    page = opened(strange_page)
    see_everything(page)
    names = page.locator(
        "#leaderboard .slice[data-factor] .board:visible tbody th .name > bdi"
    ).all_text_contents()
    assert names == list(STRANGE.methods)
    assert page.locator("#rows .row h3 bdi").all_text_contents() == list(STRANGE.images)
    assert page.locator("main script, main u:not(.key u), .about script").count() == 0
    assert page.locator(".about").first.text_content().strip().endswith("<script>alert(1)</script>")
    page.locator("#rows .frame img").first.click()
    assert page.locator("#compare-title").text_content() == HOSTILE[0]
    links = page.locator("#rows figcaption a").evaluate_all("(all) => all.map((one) => one.href)")
    assert links
    assert all(link.startswith("file:///") for link in links)


def test_another_category_shows_its_own_pictures(opened: Open, strange_page: Path) -> None:
    page = opened(strange_page)
    page.locator("#choose [name=c]").select_option(label="Cats & <Dogs>")
    see_everything(page)
    expect(page.locator("#arranged")).to_have_text("7 of 7 images of Cats & <Dogs> at 16\N{MULTIPLICATION SIGN}.")
    expect(page.locator("#leaderboard .slice[data-factor] .board:visible")).to_have_count(1)
    sources = page.locator("#rows img").evaluate_all("(all) => all.map((one) => decodeURIComponent(one.src))")
    assert all("/cats & <dogs>/" in source for source in sources)
    page.reload()
    assert page.locator("#choose [name=c]").input_value() == "1"


def test_a_table_sorts_by_mouse_and_by_keyboard(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    head = page.locator('#leaderboard .slice[data-factor] .board:visible th[data-column="psnr"]')
    head.locator("button").click()
    values = column(page, "psnr")
    assert values == sorted(values, reverse=True)
    assert len(values) == 4
    expect(head).to_have_attribute("aria-sort", "descending")
    head.locator("button").press("Enter")
    assert column(page, "psnr") == sorted(values)
    page.locator('#leaderboard .slice[data-factor] .board:visible th[data-column="lpips"] button').press("Space")
    assert column(page, "lpips") == sorted(column(page, "lpips"))
    expect(page.locator("#leaderboard .slice[data-factor] .board:visible tbody tr").last).to_have_class("bound")


def test_a_number_explains_itself_on_hover_and_on_focus(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    cell = page.locator('#leaderboard .slice[data-factor] .board:visible td[data-column="lite2"]').first
    cell.hover()
    expect(page.locator("#tip")).to_contain_text("signature lite|efficientnet-lite2|v1")
    page.mouse.move(0, 0)
    expect(page.locator("#tip")).to_be_hidden()
    page.locator("#leaderboard .slice[data-factor] .board:visible thead button").last.focus()
    page.keyboard.press("Tab")
    expect(page.locator("#tip")).to_contain_text("psnr|rgb|crop:0|uint8|v1")
    expect(page.locator("#tip")).to_contain_text("n = 8 images")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_contain_text("ssim|rgb")
    assert page.locator(":focus").get_attribute("aria-describedby") == "tip"
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()


def test_a_column_can_be_hidden(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    page.locator("#columns summary").click()
    page.get_by_label("SSIM", exact=True).press("Space")
    expect(
        page.locator('#leaderboard .slice[data-factor] .board:visible [data-column="ssim"]:visible')
    ).to_have_count(0)
    expect(
        page.locator('#leaderboard .slice[data-factor] .board:visible [data-column="psnr"]:visible')
    ).to_have_count(6)
    page.reload()
    expect(page.locator('th[data-column="ssim"]:visible')).to_have_count(0)
    page.locator("#columns summary").press("Enter")
    page.get_by_label("SSIM", exact=True).click()
    expect(
        page.locator('#leaderboard .slice[data-factor] .board:visible [data-column="ssim"]:visible')
    ).to_have_count(6)


def test_pictures_sort_by_metric_and_by_disagreement(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    data = json.loads(page.locator("#data").text_content())
    psnr = [metric["name"] for metric in data["metrics"]].index("psnr")
    labels = [method["label"] for method in data["methods"]]
    values = {
        image["name"]: dict(zip(labels, (own[psnr] for own in cell["values"]), strict=True))
        for image, cell in zip(data["images"], data["cells"]["0/16"], strict=True)
    }
    form = page.locator("#arrange")
    form.locator("[name=sort]").select_option("psnr")
    form.locator("[name=of]").select_option("glean")
    assert titles(page) == sorted(values, key=lambda name: values[name]["glean"])
    form.locator("[name=against]").select_option("bicubic")
    form.locator("[name=order]").select_option("best")
    assert titles(page) == sorted(values, key=lambda name: values[name]["bicubic"] - values[name]["glean"])
    form.get_by_label("Find").fill("0003")
    assert titles(page) == ["0003"]
    page.reload()
    assert titles(page) == ["0003"]


def titles(page: Page) -> list[str]:
    return page.locator("#rows .row h3 bdi").all_inner_texts()


def test_the_page_reads_without_a_script(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page, java_script_enabled=False)
    expect(page.locator("#leaderboard .board:visible")).to_have_count(3)
    expect(page.locator("#problems")).to_contain_text("it took longer than 60 s")


def test_the_baseline_is_chosen_on_the_page(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    rows = ".paired:visible"
    assert page.locator(rows).first.locator("tr.baseline .name > bdi").inner_text() == "nearest"
    page.locator("#against [name=base]").select_option("glean")
    expect(page.locator(rows)).to_have_count(2)
    assert page.locator(rows).first.locator("tr.baseline .name > bdi").inner_text() == "GLEAN"
    lines = csv.DictReader(io.StringIO((usual_page.parent / "tables" / "statistics.csv").read_text()))
    (line,) = (one for one in lines if (one["factor"], one["metric"], one["method"]) == ("16", "psnr", "glean"))
    cell = page.locator(f'{rows} tr:has(bdi:text-is("nearest")) td[data-column="psnr"]').first
    assert float(cell.get_attribute("data-value")) == pytest.approx(-float(line["difference"]), rel=1e-5)
    for detail, expected in (("2", "p = "), ("3", "%"), ("4", "±")):
        page.locator("#against [name=detail]").select_option(detail)
        expect(cell.locator("small")).to_contain_text(expected)
    page.reload()
    expect(page.locator("#against [name=base]")).to_have_value("glean")
    expect(
        page.locator(f'{rows} tr:has(bdi:text-is("nearest")) td[data-column="psnr"] small').first
    ).to_contain_text("±")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["", "#view=0001", "#view=0001&mode=slider", "#view=0001&mode=difference"])
def test_axe_finds_nothing_serious(opened: Open, usual_page: Path, address: str, scheme: str) -> None:
    page = opened(usual_page, address, color_scheme=scheme)
    page.locator("#rows .row").first.scroll_into_view_if_needed()
    violations = Axe().run(page).response["violations"]
    serious = [one for one in violations if one["impact"] in {"serious", "critical"}]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []


def test_pictures_of_two_runs_are_found(opened: Open, tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", RunSpec(methods=("nearest",), images=("a",), factors=(16,)))
    two = write_run(tmp_path / "two", RunSpec(methods=("nearest", "glean"), images=("a",), factors=(16,)))
    page = opened(report([one, two]))
    see_everything(page)
    expect(page.locator("#rows img")).to_have_count(4)
    page.locator("#rows .frame img").first.click()
    page.keyboard.press("i")
    wait_until(page, "[...document.querySelectorAll('#compare img')].every((one) => one.naturalWidth)")
    expect(page.locator(".pane")).to_have_count(2)


def test_one_file_opens_alone(opened: Open, usual: Run, tmp_path: Path) -> None:
    page = opened(report([usual], out=tmp_path / "alone", is_single=True))
    see_everything(page)
    page.locator("#rows .frame img").nth(1).click()
    expect(page.locator("#compare")).to_be_visible()
    wait_until(page, "[...document.images].every((one) => one.loading === 'lazy' || one.naturalWidth)")
    assert page.locator("#compare [name=mode] option").all_inner_texts() == [
        "Side by side",
        "Slider",
        "Flicker",
        "Difference",
    ]


def test_another_host_is_out_of_reach(browser: Browser, usual_page: Path) -> None:
    page = browser.new_page()
    ended: list[str | None] = []
    page.on("requestfailed", lambda request: ended.append(request.failure))
    page.on("response", lambda response: is_local(response.url) or ended.append(response.url))
    page.goto(usual_page.as_uri())
    script = """() => new Promise((resolve) => {
        document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
        new Image().src = "https://example.org/x.png";
    })"""
    assert page.evaluate(script) == "img-src"
    assert page.evaluate("fetch('https://example.org/').then(() => 'reached', () => 'refused')") == "refused"
    assert set(ended) == {"csp"}
    page.close()


@pytest.mark.parametrize("kind", ["none", "one", "failed"])
@pytest.mark.parametrize("width", [1440, 390])
def test_odd_runs_open(opened: Open, tmp_path: Path, kind: str, width: int) -> None:
    failed = {(method, "a", 16): (Status.ERROR, "it broke") for method in RunSpec().methods}
    kinds = {"none": {"images": ()}, "one": {"images": ("a",)}, "failed": {"images": ("a",), "failed": failed}}
    page = opened(report([write_run(tmp_path / "run", RunSpec(factors=(16,), **kinds[kind]))]), width=width)
    expect(page.locator("#rows .row")).to_have_count(int(kind != "none"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    missing = {
        "none": "No image was asked for",
        "one": "Every cell that was asked for is done",
        "failed": "it broke",
    }
    expect(page.locator("#problems")).to_contain_text(missing[kind])


def test_a_script_from_elsewhere_is_refused(browser, usual_page: Path, tmp_path: Path) -> None:
    source = usual_page.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', source)
    assert policy is not None
    assert "http" not in policy[1]
    spoilt = tmp_path / "index.html"
    spoilt.write_text(
        source.replace("</main>", "</main><script>document.title = 'taken'</script>"), encoding="utf-8"
    )
    page = browser.new_page()
    page.goto(spoilt.as_uri())
    assert page.title() != "taken"
    page.close()


def test_the_first_pictures_open_the_compare_view(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    glance = page.locator("#glance")
    assert glance.locator("thead th").all_inner_texts() == ["LR", "nearest", "bicubic", "pulse", "GLEAN", "HR"]
    expect(glance.locator("tbody tr")).to_have_count(2)
    wait_until(
        page, "[...document.querySelectorAll('#glance img')].every((one) => one.complete && one.naturalWidth)"
    )
    top, below = (page.locator(name).bounding_box()["y"] for name in ("#glance", "#leaderboard"))
    assert page.locator(".top").bounding_box()["y"] < top < below
    glance.locator("tbody tr").nth(1).locator("button").nth(3).press("Enter")
    expect(page.locator("#compare-title")).to_have_text("0002")
    assert page.locator(".pane .who").all_inner_texts() == [
        "LR 16\N{MULTIPLICATION SIGN}",
        *("nearest", "bicubic", "pulse", "GLEAN"),
        "HR",
    ]
    page.keyboard.press("Escape")
    page.locator("#choose [name=f][value='32']").check()
    expect(glance.locator("tbody tr").nth(1).locator(".failed")).to_have_count(1)


def test_one_kind_of_method_is_shown_and_its_best_marked_anew(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    board = page.locator("#leaderboard .slice[data-factor] .board:visible")
    before = board.locator('td.best[data-column="psnr"]').all_inner_texts()
    page.locator("#choose [name=kind]").select_option("single pass")
    names = ["nearest", "bicubic", "GLEAN", "hr"]
    assert board.locator("tbody tr:visible .name > bdi").all_inner_texts() == names
    assert page.locator("#glance thead th").all_inner_texts() == ["LR", *names[:3], "HR"]
    assert page.locator("#costs .board:visible").first.locator("tbody tr:visible").count() == 3
    page.locator("#rows .row").first.scroll_into_view_if_needed()
    expect(page.locator("#rows .row").first.locator("figure")).to_have_count(5)
    page.reload()
    page.locator("#choose [name=kind]").select_option("search")
    assert board.locator("tbody tr:visible .name > bdi").all_inner_texts() == ["pulse", "hr"]
    expect(board.locator("td.best:visible, td.second:visible")).to_have_count(0)
    page.locator("#choose [name=kind]").select_option("")
    assert board.locator('td.best[data-column="psnr"]').all_inner_texts() == before


def test_nothing_is_cut_off_at_1280_with_12_metrics_and_12_methods(opened: Open, tmp_path: Path) -> None:
    spec = RunSpec(
        methods=("nearest", "bicubic", *(f"method {n} as published" for n in range(10))),
        metrics=tuple(SIGNATURES),
        images=tuple("abcde"),
        factors=(16,),
        fid=True,
    )
    page = opened(report([write_run(tmp_path / "run", spec)]), width=1280)
    assert len(spec.metrics) == 12
    cut = """[...document.querySelectorAll(".scroll")].filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth)
        .map((one) => one.getAttribute("aria-label"))"""
    assert page.evaluate(cut) == []
    overflowing = """[...document.querySelectorAll("#leaderboard td > span, .board small, .agreement td > *")].filter((one) => {
        const [own, cell] = [one.getBoundingClientRect(), one.closest("td, th").getBoundingClientRect()];
        return own.left < cell.left - 1 || own.right > cell.right + 1; }).map((one) => one.textContent)"""
    assert page.evaluate(overflowing) == []


def test_what_was_recorded_and_the_signature_are_there_on_demand(opened: Open, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", RunSpec(images=("a", "b"), factors=(16,), recorded={"m:missed_eps": 0.25}))
    page = opened(report([run]))
    card = page.locator("#methods article").first
    expect(card.locator("table")).to_be_hidden()
    card.get_by_text("What it recorded").click()
    expect(card.locator("tbody tr")).to_have_text("m:missed_epsfaces 16\N{MULTIPLICATION SIGN}0.250.25 to 0.252")
    said = page.locator("#leaderboard .legend > div").first
    expect(said).to_contain_text("What PSNR says of an image.")
    expect(said.get_by_text("psnr|rgb|crop:0|uint8|v1")).to_be_hidden()
    said.locator("summary").click()
    expect(said.get_by_text("psnr|rgb|crop:0|uint8|v1")).to_be_visible()


def test_print_shows_every_plot_and_thumbnail(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    page.locator("#print").click()
    wait_until(page, "[...document.images].every((one) => one.complete)")
    page.emulate_media(media="print")
    every = "[...document.querySelectorAll('%s')].filter((one) => one.naturalWidth && one.getClientRects().length).length"
    failed, images = len(USUAL.failed), len(USUAL.images) * len(USUAL.factors)
    assert page.evaluate(every % "#images img") == images * (len(USUAL.methods) + 1) - failed
    plots = page.evaluate("document.querySelectorAll('#plots img').length")
    assert page.evaluate(every % "#plots img") == plots > 2
    heights = page.evaluate("[...document.querySelectorAll('figure.plot')].map((one) => one.offsetHeight)")
    assert max(heights) < (210 - 2 * 12) / 25.4 * 96, "a plot fits on a sheet, so that none is cut"


def test_print_shows_every_factor_and_the_chosen_baseline_alone(opened: Open, usual_page: Path) -> None:
    page = opened(usual_page)
    page.emulate_media(media="print")
    expect(page.locator("#leaderboard .board:visible")).to_have_count(3)
    baselines = page.locator(".paired:visible tr.baseline .name > bdi").all_inner_texts()
    assert baselines == ["nearest"] * 3
    expect(page.locator("nav:visible, .tools:visible")).to_have_count(0)
