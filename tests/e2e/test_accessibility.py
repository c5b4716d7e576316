"""No serious violation of WCAG on any tab, by axe-core, at both widths and in both looks."""

from collections.abc import Callable
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NARROW, WIDE, Tab

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def violations(page: Page) -> list[str]:
    """Return the serious violations, each with the first places where it stands."""
    page.evaluate(AXE)
    found = page.evaluate(
        "levels => axe.run(document, {runOnly: {type: 'tag', values: levels}})", LEVELS
    )
    return [
        f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "phone"])
def test_no_serious_violation(
    open_tab: Callable[..., Tab], size: dict[str, int], look: str
) -> None:
    tab = open_tab(viewport=size, color_scheme=look)
    tab.ask("How fast is DDRNet on Cityscapes?")
    expect(tab.sources.first).to_be_attached()
    found = violations(tab.page)
    tab.page.get_by_role("tab", name="Library").click()
    expect(tab.page.locator("#library-table tbody tr").first).to_be_visible()
    found += violations(tab.page)
    tab.page.get_by_role("tab", name="Settings").click()
    expect(tab.page.locator("#settings-test")).to_be_visible()
    assert found + violations(tab.page) == []
