"""While an answer streams, nothing that is being read moves, and the stage is told."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e import serving
from tests.e2e.conftest import NARROW, WIDE, Tab
from tests.fakes import KEY, Body, FakeServer, prompt_of, says

QUESTION = "Which papers prune networks at initialization?"
MOST_SHIFT = 0.02
"""Of Chromium's layout-shift score, of which up to 0.1 counts as good (web.dev/cls)."""
_WATCH = """() => {
  window.shifts = [];
  const name = node => node?.id || node?.className || node?.nodeName;
  new PerformanceObserver(list => {
    for (const one of list.getEntries()) {
      const moved = one.sources.map(source => name(source.node));
      window.shifts.push({value: one.value, moved: moved.join(", ")});
    }
  }).observe({type: "layout-shift"});
}"""


def quotes(body: Body) -> str:
    """Return four of the evidence's sentences, word for word, each with its number."""
    numbered = re.findall(r"^\[(\d+)\] (.+)$", prompt_of(body), re.MULTILINE)
    return " ".join(f"{text.rstrip('.')} [{number}]." for number, text in numbered[:4])


@pytest.fixture
def slow_site(own_home: Path, models_folder: Path, server: FakeServer) -> Iterator[str]:
    """Return the address of a page whose model takes some seconds to write."""
    server.will(says(quotes, pause=0.02))
    model = {
        "ASSISTANT_MODEL": "openai", "OPENAI_BASE_URL": server.address, "OPENAI_API_KEY": KEY,
    }  # fmt: skip
    with serving.served(own_home, models_folder, **model) as address:
        yield address


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "phone"])
def test_nothing_moves_while_an_answer_streams(
    slow_site: str, open_tab: Callable[..., Tab], size: dict[str, int]
) -> None:
    tab = open_tab(slow_site, viewport=size)
    expect(tab.box).to_be_editable()
    tab.page.evaluate(_WATCH)
    tab.send(QUESTION)
    stages, lengths = set[str](), set[int]()
    until = time.monotonic() + 120
    while not tab.wholes.count() and time.monotonic() < until:
        stages |= set(tab.page.locator("#chat .stage").all_inner_texts())
        lengths.add(len("".join(tab.page.locator("#chat .answer").all_inner_texts())))
    expect(tab.wholes).to_be_visible()
    expect(tab.sources.first).to_be_attached()
    tab.page.wait_for_timeout(500)  # Shifts are told after the frame.
    shifts = tab.page.evaluate("window.shifts")
    assert any("sentences from" in stage for stage in stages), stages
    assert len(lengths) >= 3, "the answer came at once: nothing streamed"
    assert sum(one["value"] for one in shifts) <= MOST_SHIFT, shifts
    tab.page.context.close()
