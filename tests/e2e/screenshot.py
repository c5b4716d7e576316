"""Take the README's pictures: `python -m tests.e2e.screenshot OUTDIR [MODELS]`.

A cited answer with one of its sources open (light, dark, on a phone), the library, its map with
the answer's sources lit up, and the settings.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from assistant.settings import Settings
from tests.e2e import serving
from tests.e2e.conftest import NARROW, WIDE, Tab

QUESTION_WIDE = "Which papers prune networks at initialization?"
QUESTION_NARROW = "How fast is DDRNet on Cityscapes?"
PICTURES: dict[str, dict[str, object]] = {
    "page-light": {"viewport": WIDE, "color_scheme": "light"},
    "page-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "page-phone": {"viewport": NARROW, "color_scheme": "light", "device_scale_factor": 2},
}


def take(address: str, folder: Path) -> None:
    """Save one PNG for each look of the page."""
    with serving.browser() as chromium:
        for name, options in PICTURES.items():
            # Without motion, so that scrolling has ended when the picture is taken.
            context = chromium.new_context(reduced_motion="reduce", **options)
            tab = Tab(context.new_page(), address)
            tab.ask(QUESTION_WIDE if options["viewport"] == WIDE else QUESTION_NARROW)
            if options["viewport"] == WIDE:
                tab.marks.first.click()
                expect(tab.sources.first.locator("mark")).to_be_in_viewport()
                tab.page.locator("#chat .user").last.scroll_into_view_if_needed()
            tab.page.mouse.move(0, 0)
            tab.page.screenshot(path=folder / f"{name}.png")
            if name == "page-light":
                take_tabs(tab.page, folder)
            context.close()


def take_tabs(page: Page, folder: Path) -> None:
    """Save a PNG of the library, its map and the settings."""
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library-table tbody tr").first).to_be_visible()
    page.screenshot(path=folder / "library.png")
    page.get_by_role("tab", name="Map").click()
    expect(page.locator("#library-map .main-svg").first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(1000)  # Plotly draws its labels last.
    page.screenshot(path=folder / "map.png")
    page.get_by_role("tab", name="Settings").click()
    expect(page.get_by_role("button", name="Test connection")).to_be_visible()
    page.screenshot(path=folder / "settings.png")


def main() -> None:
    """Fill a library, serve it, and take the pictures."""
    folder = Path(sys.argv[1])
    models = Path(sys.argv[2]) if len(sys.argv) > 2 else Settings.load().models
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        serving.fill(home, models)
        with serving.served(home, models) as address:
            take(address, folder)


if __name__ == "__main__":
    main()
