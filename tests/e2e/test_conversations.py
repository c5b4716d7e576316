"""Conversations, filters, feedback and settings, in a real browser over the bundled library."""

import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, expect

from assistant.adapters.model_files import known_model
from assistant.settings_file import NAME
from assistant.web.access import FREE_TRIES
from tests.e2e import serving, sessions
from tests.e2e.conftest import NARROW, Tab
from tests.fakes import KEY, FakeServer, fails, hangs, says

DDRNET = "How fast is DDRNet on Cityscapes?"
PRUNING = "Which papers prune networks at initialization?"
MINILM = "How does MiniLM distill a large transformer into a small one?"


def act(tab: Tab, words: str, *, within: str = "#chat") -> None:
    tab.page.locator(f"{within} button.act:visible", has_text=words).first.click()


def titles(tab: Tab) -> list[str]:
    return tab.page.locator("#conversations label").all_inner_texts()


def downloaded(tab: Tab, button: str) -> tuple[str, str]:
    with tab.page.expect_download() as coming:
        tab.page.locator(button).click()
    return coming.value.suggested_filename, Path(coming.value.path()).read_text(encoding="utf-8")


class TestKeptConversations:
    def test_across_reloads_and_in_the_list(self, tab: Tab) -> None:
        tab.ask(DDRNET)
        tab.reload()
        expect(tab.replies.last).to_contain_text("102 FPS")
        expect(
            tab.page.locator("#panel section:not([hidden]) details.source").first
        ).to_be_visible()
        tab.page.locator("#clear").click()
        expect(tab.replies).to_have_count(0)
        tab.ask(MINILM)
        expect(tab.page.locator("#conversations label").first).to_contain_text("MiniLM")
        assert titles(tab)[1] == DDRNET
        tab.page.locator("#find input, #find textarea").fill("cityscapes")
        expect(tab.page.locator("#conversations label", has_text="MiniLM")).to_have_count(0)
        tab.page.locator("#conversations label", has_text="DDRNet").first.click()
        expect(tab.replies.last).to_contain_text("102 FPS")
        tab.marks.first.click()
        expect(tab.sources.first.locator("mark").first).to_be_visible()

    def test_exported_and_deleted(self, tab: Tab) -> None:
        tab.ask(DDRNET)
        name, text = downloaded(tab, "#as-markdown")
        assert name == "conversation.md"
        assert text.startswith(f"# {DDRNET}")
        name, text = downloaded(tab, "#as-json")
        assert name == "conversation.json"
        assert json.loads(text)["turns"][0]["answer"]["citations"]
        before = tab.page.locator("#conversations label").count()
        tab.page.locator("#delete").click()
        expect(tab.page.locator("#delete")).to_have_text("Really delete?")
        tab.page.locator("#delete").click()
        expect(tab.replies).to_have_count(0)
        expect(tab.page.locator("#conversations label")).to_have_count(before - 1)

    def test_edit_retry_and_copy(self, open_tab: Callable[..., Tab]) -> None:
        tab = open_tab(permissions=["clipboard-read", "clipboard-write"])
        tab.ask(DDRNET)
        act(tab, "Copy")
        expect(tab.page.locator("#chat button.act", has_text="Copied")).to_be_visible()
        copied = tab.page.evaluate("navigator.clipboard.readText()")
        assert "102 FPS" in copied
        assert "[1] Deep Dual-resolution Networks" in copied
        tab.wholes.evaluate("facts => facts.dataset.before = true")
        act(tab, "Retry")
        expect(tab.page.locator("#chat [data-before]")).to_have_count(0)
        expect(tab.wholes).to_have_count(1)
        expect(tab.page.locator("#question .submit-button")).to_be_visible()
        expect(tab.page.locator("#chat .question")).to_have_text([DDRNET])
        act(tab, "Edit")
        expect(tab.box).to_have_value(DDRNET)
        expect(tab.page.locator("#editing")).to_contain_text("question 1")
        tab.send(MINILM)
        expect(tab.page.locator("#chat .question")).to_have_text([MINILM])
        expect(tab.replies.last).to_contain_text("MiniLM")
        expect(tab.page.locator("#editing")).not_to_contain_text("question")

    def test_a_suggestion_asks(self, tab: Tab) -> None:
        tab.ask(PRUNING)
        suggestion = tab.page.locator("#chat .option").first
        words = suggestion.inner_text()
        suggestion.click()
        expect(tab.page.locator("#chat .question").last).to_have_text(words)
        expect(tab.page.locator("#chat .facts")).to_have_count(2)


class TestSources:
    def test_a_mark_shows_its_sentence_on_hover_and_on_focus(self, tab: Tab) -> None:
        tab.ask(DDRNET)
        tip = tab.page.locator("#tip")
        tab.marks.first.hover()
        expect(tip).to_contain_text("102 FPS")
        tab.page.mouse.move(0, 0)
        expect(tip).to_be_hidden()
        tab.marks.nth(1).focus()
        expect(tip).to_be_visible()
        tab.page.keyboard.press("Escape")
        expect(tip).to_be_hidden()

    def test_similar_papers_and_asking_about_one(self, tab: Tab) -> None:
        tab.ask(PRUNING)
        act(tab, "Similar papers", within="#panel")
        expect(tab.page.locator("#similar h2")).to_have_text("Similar papers")
        assert tab.sources.count() == 5
        title = tab.sources.first.locator(".short").inner_text()
        tab.sources.first.locator("summary").click()
        act(tab, "Ask about this paper", within="#similar")
        expect(tab.page.locator("#scope")).to_contain_text("Only the chosen paper.")
        expect(tab.box).to_be_focused()
        tab.ask("What does it show about lottery tickets?")
        shown = set(tab.page.locator("#panel section:not([hidden]) h3").all_text_contents())
        assert title in shown
        papers = tab.page.locator("#panel section:not([hidden]) details.source .short")
        assert set(papers.all_text_contents()) == {title}
        tab.reload()
        expect(tab.page.locator("#scope")).to_contain_text("Only the chosen paper.")

    def test_how_an_answer_was_made(self, tab: Tab) -> None:
        tab.ask(DDRNET)
        view = tab.page.locator("#panel section:not([hidden]) details.evidence")
        view.locator("summary").first.click()
        assert view.locator("meter").count() >= 4
        expect(view).to_contain_text("Nothing was dropped.")
        expect(view).to_contain_text("No model was asked")
        expect(view).to_contain_text("total:")


def test_filters_hold_for_the_conversation(tab: Tab) -> None:
    tab.page.locator("#filters button").first.click()
    tab.page.get_by_label("To year").fill("1990")
    tab.page.get_by_label("To year").press("Tab")
    expect(tab.page.locator("#scope")).to_contain_text("Only papers up to 1990.")
    tab.ask(DDRNET)
    expect(tab.replies.last).to_contain_text("No paper passes the filter year<=1990")
    tab.page.locator("#filters-clear").click()
    expect(tab.page.locator("#scope p")).to_have_count(0)
    expect(tab.ask(DDRNET)).to_contain_text("102 FPS")


def test_verdicts_become_evaluation_cases(tab: Tab) -> None:
    tab.ask(MINILM)
    act(tab, "Good")
    expect(tab.page.locator("#chat button.act", has_text="✓ Good")).to_be_visible()
    act(tab, "This citation is wrong", within="#panel")
    expect(tab.page.get_by_text("Noted that citation [1] is wrong")).to_be_visible()
    name, text = downloaded(tab, "#cases")
    assert name == "feedback.jsonl"
    last = json.loads(text.splitlines()[-1])
    assert (last["question"], last["type"]) == (MINILM, "review")


def test_keys(tab: Tab) -> None:
    tab.page.locator("#head h1").click()
    tab.page.keyboard.press("/")
    expect(tab.box).to_be_focused()
    tab.ask(DDRNET)
    tab.page.keyboard.press("Alt+k")
    expect(tab.page.locator("#find input, #find textarea")).to_be_focused()
    tab.page.keyboard.press("Alt+n")
    expect(tab.replies).to_have_count(0)
    expect(tab.box).to_be_focused()


def test_on_a_phone_the_list_opens_over_the_page_and_closes(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(viewport=NARROW, has_touch=True, is_mobile=True)
    side = tab.page.locator("#side")
    expect(side).not_to_have_class(re.compile(r"\bopen\b"))
    tab.ask(DDRNET)
    tab.page.locator("#side .toggle-button").tap()
    expect(side).to_have_class(re.compile(r"\bopen\b"))
    tab.page.locator("#clear").tap()
    expect(tab.replies).to_have_count(0)
    expect(tab.page.locator("#question .submit-button")).to_be_in_viewport(ratio=1)
    assert not tab.overflows()


@pytest.fixture
def own(
    own_home: Path, models_folder: Path, chromium: Browser, server: FakeServer
) -> SimpleNamespace:
    """Return a home of its own, a fake model server and the browser."""
    return SimpleNamespace(home=own_home, models=models_folder, server=server, chromium=chromium)


def test_settings_test_apply_and_keep(own: SimpleNamespace, open_tab: Callable[..., Tab]) -> None:
    said = "DDRNet-23-slim reaches 102 FPS on Cityscapes [1]. It also cures measles [1]."
    own.server.will(fails(401), says("ready"), says(said))
    with serving.served(own.home, own.models) as address:
        tab = open_tab(address)
        tab.page.get_by_role("tab", name="Settings").click()
        tab.page.get_by_text("A server (OpenAI or any compatible one)").click()
        tab.page.get_by_label("Model at the server").fill("tiny")
        tab.page.get_by_label("Address of the server").fill(own.server.address)
        tab.page.locator("#key input").fill(KEY)
        told = tab.page.locator("#settings-told")
        tab.page.locator("#settings-test").click()
        expect(told).to_contain_text("It doesn't work: ")
        expect(told).to_contain_text("refused the key; check OPENAI_API_KEY.")
        tab.page.locator("#settings-test").click()
        expect(told).to_have_text("It works: tiny answered.")
        tab.page.locator("#settings-apply").click()
        expect(told).to_contain_text("from the next question on")
        expect(tab.page.locator("#head")).to_contain_text("tiny, which reads your questions")
        expect(tab.page.locator("#key input")).to_have_value("")
        tab.reload()
        assert KEY not in tab.page.content()
        tab.page.get_by_role("tab", name="Chat").click()
        expect(tab.ask(DDRNET)).not_to_contain_text("measles")
        view = tab.page.locator("#panel section:not([hidden]) details.evidence")
        view.locator("summary").first.click()
        expect(view.locator("li", has_text="It also cures measles")).to_be_visible()
        view.get_by_text("The exact prompt").click()
        expect(view.locator("pre").last).to_contain_text("102 FPS")
        tab.page.context.close()
    assert f"OPENAI_API_KEY='{KEY}'" in (own.home / NAME).read_text(encoding="utf-8")
    assert KEY not in (own.home / "errors.txt").read_text(encoding="utf-8")


def posted(address: str, password: str) -> int:
    """Log in as ann without a browser; return the HTTP status."""
    form = urllib.parse.urlencode({"username": "ann", "password": password}).encode()
    try:
        with urllib.request.urlopen(f"{address}/login", form) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_users_log_in_and_have_their_own_conversations(
    own: SimpleNamespace, open_tab: Callable[..., Tab]
) -> None:
    users = {"ASSISTANT_USER": "ann,bob", "ASSISTANT_PASSWORD": "right,sure"}
    with serving.served(own.home, own.models, **users) as address:

        def login(name: str, password: str) -> Tab:
            context = own.chromium.new_context()
            page = context.new_page()
            page.goto(address)
            page.get_by_label("username").fill(name)
            page.get_by_label("password").fill(password)
            page.get_by_role("button", name="Login").click()
            expect(page.locator("#head h1")).to_be_visible()
            page.close()  # Its streams end unwatched.
            return Tab(context.new_page(), address)

        ann, bob = login("ann", "right"), login("bob", "sure")
        ann.ask(DDRNET)
        bob.ask(PRUNING)
        for tab, asked in ((ann, DDRNET), (bob, PRUNING)):
            expect(tab.page.locator("#conversations label")).to_have_text([asked])
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            urllib.request.urlopen(f"{address}/config")
        refused.value.close()
        assert [posted(address, "wrong") for _ in range(FREE_TRIES)] == [400] * FREE_TRIES
        assert posted(address, "right") == 429
        for tab in (ann, bob):
            assert tab.complaints == [], tab.complaints
            tab.page.context.close()


@pytest.mark.timeout(900)
def test_ten_ask_at_once_and_all_get_what_one_alone_gets(own: SimpleNamespace) -> None:
    with serving.served(own.home, own.models, ASSISTANT_CACHE_MB="0") as address:
        alone = sessions.answers_alone(own.chromium, address, sessions.QUESTIONS[:3])
        found = sessions.measure(own.chromium, address, 10, alone, rounds=1)
    assert (found.errors, found.wrong, len(found.whole)) == ((), (), 10)


def test_the_page_answers_while_the_chat_model_is_still_on_its_way(
    own: SimpleNamespace, open_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    embedder = known_model("embedder").name
    models = tmp_path / "only-the-embedder"
    models.mkdir()
    (models / embedder).symlink_to(own.models / embedder, target_is_directory=True)
    # Takes connections and never answers, until it is closed.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = f"http://127.0.0.1:{silent.getsockname()[1]}"
        network = {
            "ASSISTANT_MODEL": "local", "ASSISTANT_OFFLINE": "0", "HF_ENDPOINT": nowhere,
            "PIP_INDEX_URL": nowhere, "PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "100",
        }  # fmt: skip
        with serving.served(own.home, models, **network) as address:
            tab = open_tab(address)
            status = tab.page.locator("#status")
            expect(status).to_contain_text("is being fetched")
            expect(tab.page.locator("#head")).to_contain_text("model: extractive, until")
            reply = tab.ask(DDRNET)
            expect(reply).to_contain_text("102 FPS")
            expect(reply.locator(".notice")).to_contain_text("meanwhile answers quote the papers")
            silent.close()
            expect(status).to_contain_text("can't be fetched", timeout=120_000)
            tab.page.context.close()


def test_conversations_outlive_the_server(
    own: SimpleNamespace, open_tab: Callable[..., Tab]
) -> None:
    with serving.served(own.home, own.models) as address:
        tab = open_tab(address)
        tab.ask(DDRNET)
        tab.page.context.close()
    with serving.served(own.home, own.models) as address:
        tab = open_tab(address)  # Another port: for the browser another page, with nothing open.
        expect(tab.replies).to_have_count(0)
        tab.page.locator("#conversations label", has_text="DDRNet").click()
        expect(tab.replies.last).to_contain_text("102 FPS")
        tab.marks.first.click()
        expect(tab.sources.first.locator("mark").first).to_be_visible()
        tab.page.context.close()


def test_stopping_keeps_the_question(own: SimpleNamespace, open_tab: Callable[..., Tab]) -> None:
    own.server.will(hangs)
    model = {
        "ASSISTANT_MODEL": "openai", "OPENAI_BASE_URL": own.server.address, "OPENAI_API_KEY": KEY,
    }  # fmt: skip
    with serving.served(own.home, own.models, **model) as address:
        tab = open_tab(address)
        tab.send(DDRNET)
        expect(tab.page.locator("#chat .stage")).to_contain_text("sentences from")
        tab.page.keyboard.press("Escape")
        expect(tab.page.locator("#chat .problem")).to_have_text("Stopped.")
        assert tab.complaints == []
        tab.reload()
        expect(tab.page.locator("#chat .problem")).to_have_text("Stopped.")
        tab.page.context.close()
