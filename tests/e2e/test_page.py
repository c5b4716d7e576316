"""What a user does with the page, in a real browser over the bundled library."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.e2e import serving
from tests.e2e.conftest import HOSTILE, NARROW, Tab
from tests.fakes import FakeServer, hangs, says

DDRNET = "How fast is DDRNet on Cityscapes?"
NOTE = (
    "The bundled library holds summaries written for this project, not the authors' abstracts; "
    "look the papers up by title."
)


def bundled_abstract(title: str) -> str:
    lines = files("assistant").joinpath("data", "library.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return next(record["abstract"] for record in records if record.get("title") == title)


def is_open(source: Locator) -> bool:
    return bool(source.evaluate("details => details.open"))


def test_the_page_says_what_it_is(tab: Tab) -> None:
    assert tab.page.title() == "Abstract Assistant"
    expect(tab.page.locator("#head")).to_contain_text("141 papers · model: extractive")
    expect(tab.page.locator("#head .summary-note")).to_have_text(NOTE)
    icon = tab.page.locator("link[rel=icon]")
    assert (icon.get_attribute("href") or "").startswith("data:image/svg+xml,")


def test_an_answer_carries_marks_and_facts(tab: Tab) -> None:
    reply = tab.ask(DDRNET)
    expect(reply).to_contain_text("102 FPS")
    assert tab.marks.count() >= 1
    expect(reply.locator(".facts")).to_contain_text("answered · extractive · ")
    assert tab.sources.count() == len(set(tab.marks.all_inner_texts()))


def test_a_mark_opens_its_source_at_the_sentence(tab: Tab) -> None:
    tab.ask(DDRNET)
    tab.marks.nth(1).click()
    source = tab.sources.nth(1)
    expect(source.locator("summary")).to_be_focused()
    assert is_open(source)
    assert not is_open(tab.sources.nth(0))
    marked = source.locator("mark").inner_text()
    assert marked in bundled_abstract(source.locator("h3").inner_text())
    expect(source.locator(".abstract")).to_contain_text(marked)
    expect(source.locator(".badge")).to_have_text("supported")
    expect(source.locator(".support")).to_contain_text("Supported 1.00: word for word")
    expect(source.locator(".summary-note")).to_be_visible()
    expect(source.locator("mark")).to_be_in_viewport()


def test_marks_work_with_the_keyboard(tab: Tab) -> None:
    tab.ask(DDRNET)
    tab.marks.nth(1).focus()
    tab.page.keyboard.press("Enter")
    expect(tab.sources.nth(1).locator("summary")).to_be_focused()
    assert is_open(tab.sources.nth(1))


def test_a_follow_up_knows_the_question_before(tab: Tab) -> None:
    tab.ask(DDRNET)
    reply = tab.ask("How accurate is it there?")
    expect(reply).to_contain_text("77.4% mIoU for Cityscapes")
    expect(tab.page.locator("#panel .asked:visible")).to_have_text("How accurate is it there?")


def test_marks_of_an_earlier_answer_open_its_own_sources(tab: Tab) -> None:
    tab.ask(DDRNET)
    first = tab.replies.first.locator("a.cite").first
    tab.ask("How does MiniLM distill a large transformer into a small one?")
    expect(tab.sources.first.locator("h3")).to_contain_text("MiniLM")
    first.click()
    expect(tab.sources.first.locator("h3")).to_contain_text("Deep Dual-resolution Networks")
    expect(tab.page.locator("#panel .asked:visible")).to_have_text(DDRNET)
    tab.ask("Which papers prune networks at initialization?")
    expect(tab.page.locator("#panel .asked:visible")).to_contain_text("prune networks")
    expect(tab.page.locator("#panel h2:visible")).to_be_in_viewport()


def test_an_example_can_be_clicked(tab: Tab) -> None:
    example = tab.page.locator("#chat").get_by_text(
        "Which papers prune networks at initialization?"
    )
    example.click()
    expect(tab.page.locator("#chat .facts")).to_contain_text("answered")
    expect(tab.page.locator("#chat .question")).to_have_text(
        "Which papers prune networks at initialization?"
    )


def test_an_unanswerable_example_is_not_answered(tab: Tab) -> None:
    tab.page.locator("#chat").get_by_text("What dose of ibuprofen is safe for children?").click()
    expect(tab.page.locator("#chat .facts")).to_contain_text("not answered by these papers")
    expect(tab.replies.last).to_contain_text("These papers don't answer that question.")
    expect(tab.page.locator("#panel h2")).to_have_text("Nearest papers")
    assert tab.sources.count() == 3
    assert tab.marks.count() == 0


def test_an_empty_question_does_nothing(tab: Tab) -> None:
    tab.send("   ")
    tab.page.locator("#question .submit-button").click()
    assert tab.ask(DDRNET).locator("a.cite").count() >= 1
    assert tab.replies.count() == 1


def test_a_far_too_long_question_is_refused_in_words(tab: Tab) -> None:
    tab.send("networks " * 600)
    expect(tab.page.locator("#chat .problem")).to_contain_text("4,000 is the most")
    tab.ask(DDRNET)


def test_a_new_conversation_forgets(tab: Tab) -> None:
    tab.ask(DDRNET)
    tab.page.locator("#clear").click()
    expect(tab.replies).to_have_count(0)
    expect(tab.page.locator("#panel .empty")).to_be_visible()
    reply = tab.ask("Does it?")
    assert "DDRNet" not in reply.inner_text()


def test_what_is_typed_while_a_new_conversation_opens_stays(tab: Tab) -> None:
    tab.ask(DDRNET)

    def late(route: Route) -> None:
        tab.page.wait_for_timeout(1000)
        route.continue_()

    tab.page.route(re.compile("/queue/join|/run/"), late, times=1)
    tab.page.locator("#clear").click()
    tab.box.fill("Does it?")
    expect(tab.replies).to_have_count(0)
    expect(tab.page.locator("#question .submit-button")).to_be_visible()
    expect(tab.box).to_have_value("Does it?")


class TestHostileText:
    def check_is_inert(self, tab: Tab) -> None:
        tab.page.mouse.click(5, 5)
        assert tab.page.evaluate("window.hurt") is None
        made = tab.page.locator(":is(#chat, #panel) :is(img, script, iframe, svg[onload], katex)")
        assert made.count() == 0
        links = tab.page.locator(":is(#chat, #panel) a")
        targets = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert all(target.startswith(("#source-", "#talk")) for target in targets), targets

    def test_a_paper_is_only_text(self, tab: Tab) -> None:
        reply = tab.ask("What does zorbital quench annealing reach on Frobnet?")
        # The answer has the text without its markup; the abstract beside it is as it was given.
        expect(reply).to_contain_text("says click and x and and and bold and $$x^2$$ and `code`")
        for gone in ("javascript:", "http", "<img", "<script", "onclick"):
            expect(reply).not_to_contain_text(gone)
        tab.marks.first.click()
        source = tab.sources.first
        expect(source.locator("h3")).to_have_text(HOSTILE.title)
        expect(source.locator(".about")).to_contain_text("<svg onload=window.hurt=7>")
        for piece in (
            "[click](javascript:window.hurt=3)",
            "![x](http://evil.example/x.png)",
            "<img src=http://evil.example/y.png>",
            "<script>window.hurt=4</script>",
            "<b onclick=window.hurt=5>bold</b> and $$x^2$$",
            "`code` and www.evil.example and <https://evil.example>",
        ):
            expect(source.locator(".abstract")).to_contain_text(piece)
        tab.sources.first.get_by_text("bold").click()
        self.check_is_inert(tab)

    def test_a_question_is_only_text(self, tab: Tab) -> None:
        question = (
            '<img src=x onerror="window.hurt=9"> **b** $$x$$ [a](javascript:window.hurt=10) '
            "</p><script>window.hurt=11</script> &lt;"
        )
        tab.ask(question)
        expect(tab.page.locator("#chat .question")).to_have_text(question)
        expect(tab.page.locator("#panel .asked")).to_have_text(question)
        self.check_is_inert(tab)

    def test_screen_readers_get_no_markup(self, tab: Tab) -> None:
        tab.ask(DDRNET)
        expect(tab.page.locator("#chat [data-testid][aria-label*='<']")).to_have_count(0)


def test_a_phone_shows_all_in_one_column(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(viewport=NARROW, has_touch=True, is_mobile=True)
    assert not tab.overflows()
    expect(tab.page.locator("#question .submit-button")).to_be_in_viewport(ratio=1)
    tab.ask("What does zorbital quench annealing reach on Frobnet?")
    expect(tab.page.locator("#question .submit-button")).to_be_in_viewport(ratio=1)
    assert not tab.overflows()
    below = "() => panel.offsetTop >= talk.offsetTop + talk.offsetHeight"
    assert tab.page.evaluate(below)
    tab.marks.first.tap()
    expect(tab.sources.first.locator("summary")).to_be_in_viewport()
    assert not tab.overflows()
    tab.page.locator("#panel a.back:visible").tap()
    expect(tab.marks.first).to_be_focused()


def test_dark_where_the_system_is_dark(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(color_scheme="dark")
    tab.ask(DDRNET)
    background = "element => getComputedStyle(element).backgroundColor.match(/\\d+/g).map(Number)"
    red, green, blue, *_ = tab.page.locator("#panel details").first.evaluate(background)
    assert max(red, green, blue) < 80


def test_one_user_waits_stops_and_asks_again_while_another_is_answered(
    home: Path,
    models_folder: Path,
    server: FakeServer,
    open_tab: Callable[..., Tab],
) -> None:
    def hang_for_the_slow(handler: object, body: dict[str, object]) -> None:
        (hangs if "slowly" in json.dumps(body) else says("UNANSWERABLE"))(handler, body)

    server.will(hang_for_the_slow)
    model = {"ASSISTANT_MODEL": "openai", "OPENAI_BASE_URL": server.address, "OPENAI_API_KEY": "k"}
    with serving.served(home, models_folder, **model) as address:
        waiting, other = open_tab(address), open_tab(address)
        waiting.send("How slowly is DDRNet on Cityscapes?")
        expect(waiting.page.locator("#chat .stage")).to_contain_text("writes…")
        waiting.send("And this?")
        expect(other.ask(DDRNET)).to_contain_text("These papers don't answer")
        waiting.page.locator("#question .stop-button").click()
        expect(waiting.page.locator("#chat .problem")).to_have_text("Stopped.")
        expect(waiting.page.locator("#chat .stage")).to_have_count(0)
        expect(waiting.ask(DDRNET)).to_contain_text("These papers don't answer")
        assert waiting.replies.count() == 2, "a question overtook the one before"
        waiting.page.context.close()
        other.page.context.close()


def test_the_server_names_its_policy_and_refuses_other_names(site: str) -> None:
    with urllib.request.urlopen(site) as reply:
        assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
    foreign = urllib.request.Request(site, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        urllib.request.urlopen(foreign)
    refused.value.close()


def test_nothing_was_logged(home: Path, tab: Tab) -> None:
    tab.ask(DDRNET)
    assert "Traceback" not in (home / "errors.txt").read_text(encoding="utf-8")


def test_a_comparison_is_a_table_whose_marks_open_their_sources(
    open_tab: Callable[..., Tab],
) -> None:
    tab = open_tab(viewport=NARROW)
    reply = tab.ask("How do m2mKD and EMoE differ in the way they draw on pretrained nets?")
    expect(reply.locator("table.answer th").first).to_have_text("Paper")
    expect(reply.locator("table.answer td").first).to_have_text("m2mKD")
    assert "|" not in reply.inner_text()
    assert not tab.overflows()
    reply.locator("table.answer a.cite").last.click()
    assert is_open(tab.sources.last)
