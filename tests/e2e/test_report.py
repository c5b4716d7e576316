"""The page of `python -m evals report` in a real browser, without any server."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from evals import report
from tests.e2e.conftest import NARROW, PATIENCE_MS, WIDE
from tests.logs import SAID, hostile_log, made_log


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the addresses of an ordinary page and a hostile one."""
    folder = tmp_path_factory.mktemp("report")
    better = {**SAID, "s2": ("It takes 4 days.", 0.7)}
    hostile = hostile_log()
    made = {
        "plain": [made_log(), made_log("b.jsonl", said=better)],
        "hostile": [hostile, hostile],
    }
    for name, logs in made.items():
        report.write_report(logs, folder / f"{name}.html")
    return {name: (folder / f"{name}.html").as_uri() for name in made}


@pytest.fixture
def opened(chromium: Browser, pages):
    """Return what opens a page; the test fails where it complained or asked for anything."""
    complaints, contexts = [], []

    def note(kind, text):
        complaints.append(f"{kind}: {text}")

    def open_page(name="plain", viewport=WIDE, scheme="light", anchor="") -> Page:
        context = chromium.new_context(
            viewport=viewport, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        own = ("file:", "data:", "blob:")
        page.on("console", lambda message: note(message.type, message.text))
        page.on("pageerror", lambda error: note("error", error))
        page.on("dialog", lambda dialog: note("dialog", dialog.message))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(own) else note("request", asked.url),
        )
        page.goto(pages[name] + anchor)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def draw_all(page: Page) -> None:
    """Bring every plot into the window, which is when they are drawn."""
    plots = page.locator(".plot")
    for place in range(plots.count()):
        plots.nth(place).scroll_into_view_if_needed()
        expect(plots.nth(place).locator("svg.main-svg").first).to_be_visible()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_all_plots_are_drawn_and_nothing_moves(opened, viewport):
    page = opened(viewport=viewport)
    height = page.evaluate("document.documentElement.scrollHeight")
    draw_all(page)
    assert page.evaluate("document.documentElement.scrollHeight") == height
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_hostile_text_does_nothing(opened, name):
    page = opened(name)
    draw_all(page)
    for case in page.locator("details.case").all():
        case.locator("summary").first.click()
    assert page.evaluate("window.hurt") is None


def test_cases_are_searched_and_filtered(opened):
    page = opened()
    cases = page.locator("details.case:visible")
    expect(cases).to_have_count(7)
    page.fill("#search", "colour RED")
    expect(cases).to_have_count(1)
    expect(cases).to_contain_text("Colour?")
    page.fill("#search", "")
    page.select_option("#type", "unanswerable")
    expect(cases).to_have_count(2)
    page.select_option("#outcome", "wrong")
    expect(cases).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 of 7 shown")


def test_a_flip_leads_to_its_case(opened):
    page = opened()
    page.fill("#search", "nowhere")
    page.locator("#changes a", has_text="s2").click()
    case = page.locator("details.case[open]")
    expect(case).to_be_in_viewport()
    expect(case).to_contain_text("It takes 4 days.")
    assert opened(anchor="#case-1").locator("details.case[open]").count() == 1


def test_plots_follow_the_scheme(opened):
    page = opened()
    bar = page.locator("#plot-quality-0 .bars path").first
    light = bar.get_attribute("style")
    page.emulate_media(color_scheme="dark")
    expect(bar).not_to_have_attribute("style", light)
    assert re.search(r"86, 180, 233|#56b4e9", bar.get_attribute("style"))
