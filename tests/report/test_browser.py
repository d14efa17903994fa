"""The report in a real browser: no console message, no request, sorting, filtering and details by keyboard."""

from __future__ import annotations

import os
import re
import shutil

import pytest
from playwright.sync_api import sync_playwright

from qmbench.data.benchmark import find_benchmark
from qmbench.judging.model import Evaluation
from qmbench.report.write import write_report

CHROMIUM = os.environ.get("QMBENCH_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium; apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as p:
        launched = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def path(made, tmp_path_factory):
    return write_report(made, tmp_path_factory.mktemp("html"), ["html"])[0]


@pytest.fixture
def opened(browser, path):
    """The page with every console message, error and request it made."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    heard: list[str] = []
    page.on("console", lambda m: heard.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: heard.append(f"error: {e}"))
    page.on("request", lambda r: heard.append(r.url) if r.url != path.as_uri() else None)
    page.goto(path.as_uri())
    yield page, heard
    page.close()


def unfold(page):
    """Open everything that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")


def test_it_shows_everything_without_a_word_and_without_the_net(opened, tmp_path):
    page, heard = opened
    unfold(page)
    assert page.locator(".chart svg").count() == 4
    assert heard == []
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    assert (tmp_path / "report.png").stat().st_size > 20_000


def test_figures_are_seen_without_scripts(browser, path):
    """Every mark of the first figure has a place of its size in a browser that runs nothing, and so has every chart."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(path.as_uri())
    figure = page.locator("#b0 figure.rows")
    assert figure.is_visible()
    dots = [
        dot.bounding_box()
        for dot in figure.locator("circle.k-dot").all()
        if dot.locator("xpath=ancestor::ul").count() == 0
    ]
    assert len(dots) == 3
    plot = figure.locator(".m").first.bounding_box()
    for dot in dots:
        assert dot["width"] > 5
        assert plot["x"] - 8 < dot["x"] < plot["x"] + plot["width"] + 8
    assert len({round(dot["y"]) for dot in dots}) == 3
    page.get_by_text("More figures").click()
    for chart in page.locator(".chart svg").all():
        box = chart.bounding_box()
        assert box["width"] > 300
        assert box["height"] > 60
    context.close()


def test_what_is_folded_is_printed_without_scripts(browser, path, tmp_path):
    """The PDF of a browser that runs nothing holds the folded charts: it is longer than that of the page without
    them."""
    context = browser.new_context(java_script_enabled=False)
    sizes = []
    for name, text in (
        ("whole", path.read_text()),
        ("bare", re.sub(r'<div class="chart".*?</div>', "", path.read_text(), flags=re.S)),
    ):
        other = tmp_path / f"{name}.html"
        other.write_text(text)
        page = context.new_page()
        page.goto(other.as_uri())
        sizes.append(len(page.pdf(format="A4")))
    assert sizes[0] > sizes[1] + 5_000
    context.close()


def test_tables_that_are_wider_than_a_phone_keep_their_first_column(opened):
    page, _ = opened
    page.set_viewport_size({"width": 390, "height": 800})
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    moved = page.evaluate(
        """[...document.querySelectorAll('main table')].map(t => {
            const box = t.closest('.scroll'), row = t.tBodies[0].rows[0];
            if (!box || !row || box.scrollWidth <= box.clientWidth) return null;
            const before = row.cells[0].getBoundingClientRect().left;
            box.scrollLeft = 1e4;
            const after = row.cells[0].getBoundingClientRect().left;
            return [box.scrollLeft, after - before];
        }).filter(x => x)"""
    )
    assert moved
    assert all(scrolled > 0 and abs(shift) < 1 for scrolled, shift in moved)


def test_a_table_sorts_by_number(opened):
    page, _ = opened
    header = page.locator("#b0t0 th").nth(2)
    column = "[...document.querySelectorAll('#b0t0 tbody tr')].map(r => parseFloat(r.children[2].textContent))"
    header.get_by_role("button").click()
    up = page.evaluate(column)
    assert up == sorted(up)
    assert header.get_attribute("aria-sort") == "ascending"
    header.get_by_role("button").press("Enter")
    assert page.evaluate(column) == sorted(up, reverse=True)


def test_a_filter_hides_rows_and_says_how_many(opened):
    page, _ = opened
    page.locator("input[aria-controls=b0t0]").fill("wild")
    assert page.locator("#b0t0 tbody tr:visible").count() == 1
    assert page.locator("#b0t0-count").inner_text() == "1 of 3 rows"


def test_a_cell_opens_its_details_by_keyboard_and_closes(opened):
    page, heard = opened
    unfold(page)
    cell = page.locator("table.heat td button").first
    cell.focus()
    cell.press("Enter")
    dialog = page.get_by_role("dialog")
    assert "kcal/mol" in dialog.inner_text()
    assert "deviation from the others" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert heard == []


def test_an_entry_opens_its_verdict_and_consensus(opened):
    page, heard = opened
    unfold(page)
    page.locator("table.heat th button").first.click()
    text = page.get_by_role("dialog").inner_text()
    assert "Birge ratio" in text
    assert page.locator("#detail-title").inner_text() == page.locator("table.heat th button").first.inner_text()
    page.click("#detail-close")
    assert heard == []


def test_a_comparison_unfolds_and_opens_a_pair(opened):
    page, heard = opened
    page.get_by_text("Rank inversion", exact=True).click()
    page.locator("details[open] table.heat td button").first.click()
    assert "probability that their ranks are inverted" in page.get_by_role("dialog").inner_text()
    assert heard == []


def test_dark_light_phone_and_print(opened):
    page, heard = opened
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.click("#theme")
    ink = page.evaluate("getComputedStyle(document.querySelector('.chart text')).fill")
    assert ink == "rgb(236, 236, 236)"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("details:not([open])").count() > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0
    assert heard == []


def test_every_control_has_a_name(opened):
    page, _ = opened
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input')].filter(e => !(e.getAttribute('aria-label') "
        "|| e.textContent.trim() || e.closest('label'))).length"
    )
    assert unnamed == 0


def test_a_molecule_is_turned_in_the_details_of_its_entry(browser, tmp_path):
    path = write_report(Evaluation.published([find_benchmark("a24")]), tmp_path, ["html"])[0]
    page = browser.new_page(reduced_motion="reduce")
    heard: list[str] = []
    page.on("console", lambda m: heard.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: heard.append(f"error: {e}"))
    page.goto(path.as_uri())
    unfold(page)
    page.locator("table.heat th button").first.click()
    view = page.locator("#detail-pictures canvas").first
    picture = "c => c.toDataURL()"
    before = view.evaluate(picture)
    # Nothing turns by itself where less motion is asked for; a turn and its opposite lead back.
    page.wait_for_timeout(300)
    assert view.evaluate(picture) == before
    view.press("ArrowRight")
    assert view.evaluate(picture) != before
    view.press("ArrowLeft")
    view.hover()
    page.mouse.down()
    page.mouse.move(10, 10, steps=3)
    page.mouse.up()
    assert view.evaluate(picture) != before
    assert heard == []
    page.emulate_media(reduced_motion="no-preference")
    page.keyboard.press("Escape")
    page.locator("table.heat th button").first.click()
    spinning = page.locator("#detail-pictures canvas").first
    first = spinning.evaluate(picture)
    page.wait_for_timeout(500)
    assert spinning.evaluate(picture) != first
    page.close()
