"""Fixtures for the page: one served library for all tests, one watched browser tab for each."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from assistant.types import Paper
from tests.e2e import serving

PATIENCE_MS = 30_000
# The first question loads what answers need, beside whatever else the machine does.
expect.set_options(timeout=PATIENCE_MS)
WIDE = {"width": 1440, "height": 900}
ENDED = ("Connection errored out", "AbortError")
"""What Gradio's client says of streams that end with their page."""
NARROW = {"width": 390, "height": 844}
HOSTILE = Paper(
    id="hostile<b>",
    title='<img src=x onerror="window.hurt=1"> Zorbital Quench [1] {{value}} ${window.hurt=2}',
    abstract=(
        "Zorbital quench annealing reaches 88.1% on Frobnet, says [click](javascript:window.hurt=3)"
        " and ![x](http://evil.example/x.png) and <img src=http://evil.example/y.png> and"
        " <script>window.hurt=4</script> and <b onclick=window.hurt=5>bold</b> and $$x^2$$ and"
        " `code` and www.evil.example and <https://evil.example>. Zorbital quench annealing needs"
        " <a href='javascript:window.hurt=6'>no</a> extra memory on Frobnet."
    ),
    authors=("<svg onload=window.hurt=7>",),
    url="javascript:window.hurt=8",
    year=2020,
    source="hostile.jsonl",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, whoever adds a test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    """Return a home with the bundled library and one hostile paper."""
    folder = tmp_path_factory.mktemp("home")
    serving.fill(folder, models_folder, [HOSTILE])
    return folder


@pytest.fixture
def own_home(home: Path, tmp_path: Path) -> Path:
    """Return a home of this test's own, to change: a copy of what all tests share."""
    shutil.copytree(home / "library", tmp_path / "library")
    return tmp_path


@pytest.fixture(scope="session")
def site(home: Path, models_folder: Path) -> Iterator[str]:
    """Return the address of the page over that library."""
    with serving.served(home, models_folder) as address:
        yield address


@pytest.fixture(scope="package")  # Not the session: Playwright keeps an event loop running.
def chromium() -> Iterator[Browser]:
    """Return the browser that all tabs share."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(serving.browser())
        except FileNotFoundError as error:
            pytest.skip(str(error))
        yield browser


@dataclass
class Tab:
    """A page in the browser, and what a user does there."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    leaving: bool = False

    def __post_init__(self) -> None:
        """Note what mustn't happen: foreign requests, errors, dialogs."""
        self.page.set_default_timeout(PATIENCE_MS)
        local = (self.address, "data:", "blob:")
        self.page.on("request", lambda request: self._note(
            "request", "" if request.url.startswith(local) else request.url))  # fmt: skip
        self.page.on("console", lambda message: self._note(
            "console", message.text if message.type in ("error", "warning") else ""))  # fmt: skip
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("dialog", lambda dialog: (self._note("dialog", "opened"), dialog.dismiss()))
        self.page.goto(self.address)
        expect(self.page.locator("#head h1")).to_be_visible()

    def _note(self, kind: str, text: str) -> None:
        ended = self.leaving and any(one in text for one in ENDED)
        # Gradio's own client warns so at every upload.
        if text and text != "Method not implemented." and not ended:
            self.complaints.append(f"{kind}: {text}")

    @property
    def box(self) -> Locator:
        """The field for the question."""
        return self.page.locator("#question textarea")

    @property
    def replies(self) -> Locator:
        """What was answered, first to last."""
        return self.page.locator("#chat [data-testid=bot]")

    @property
    def wholes(self) -> Locator:
        """The facts below each whole answer."""
        return self.page.locator("#chat .facts:not(.checks)")

    @property
    def marks(self) -> Locator:
        """The citation marks of the latest reply."""
        return self.replies.last.locator("a.cite")

    @property
    def sources(self) -> Locator:
        """The sources that are listed at the side."""
        return self.page.locator("#panel section:not([hidden]) details.source")

    def send(self, question: str) -> None:
        """Type a question and press Enter."""
        self.box.fill(question)
        self.box.press("Enter")

    def reload(self) -> None:
        """Load the page again, whatever of it is still under way."""
        self.leaving = True
        self.page.reload()
        expect(self.page.locator("#head h1")).to_be_visible()
        self.leaving = False

    def ask(self, question: str) -> Locator:
        """Ask, wait until the answer is whole, and return it."""
        before = self.wholes.count()
        self.send(question)
        expect(self.wholes).to_have_count(before + 1)
        expect(self.page.locator("#question .submit-button")).to_be_visible()
        return self.replies.last

    def overflows(self) -> bool:
        """Whether the page is wider than its window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.fixture
def open_tab(chromium: Browser, site: str) -> Iterator[Callable[..., Tab]]:
    """Return what opens a watched tab; the test fails where one has a complaint."""
    tabs: list[Tab] = []

    def opened(address: str = site, **context: object) -> Tab:
        options = {"viewport": WIDE, "color_scheme": "light", **context}
        tabs.append(Tab(chromium.new_context(**options).new_page(), address))
        return tabs[-1]

    yield opened
    for tab in tabs:
        tab.page.context.close()
    assert "\n".join(complaint for tab in tabs for complaint in tab.complaints) == ""


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    """Return a tab of 1440 by 900, light."""
    return open_tab()
