"""The chat page without a browser: what is made of papers, questions and answers."""

import html
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.app import Assistant
from assistant.app.chat_models import Preparation
from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.text.html import safe_link
from assistant.types import (
    BUNDLED_SOURCE,
    Answer,
    AnswerEvent,
    Checks,
    Citation,
    Claim,
    Event,
    Evidence,
    Flagged,
    Message,
    Paper,
    Passage,
    StageEvent,
    Support,
    TextEvent,
    Trace,
)
from assistant.web import render, sources
from assistant.web.conversation import (
    SOMETHING_WRONG,
    STOPPED,
    Turn,
    advanced,
    converse,
    history,
    stopped,
)
from assistant.web.server import PageServer
from assistant.web.sources import (
    LONGEST_ABSTRACT,
    NO_SOURCES,
    THIS_IS_A_SUMMARY,
    Similar,
    panel,
)
from tests.samples import HIVE, TWIGNET

HOSTILE = (
    "<img src=x onerror=alert(1)> [click](javascript:alert(1)) ![x](http://evil/x.png) "
    "</p><script>alert(1)</script> $$x$$ ${alert(1)} {{value}} `code` \"quoted\" 'too' &lt; [1]"
)
ATTRIBUTES = {"class", "href", "title", "id", "hidden", "open", "target", "rel"}
ATTRIBUTES |= {"type", "value", "min", "max"}
texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


class Seen(HTMLParser):
    """What a browser would make of some HTML: its tags with attributes, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.marked: list[str] = []
        self.text = ""
        self._in_mark = False
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_mark = self._in_mark or tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        self._in_mark = self._in_mark and tag != "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_mark:
            self.marked.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def sentence(paper: Paper, words: str) -> Evidence:
    start = paper.abstract.index(words)
    passage = Passage(paper=paper, start=start, end=start + len(words))
    return Evidence(key=1, passage=passage, score=1.0)


def cites(number: int, evidence: Evidence, claim: str = "", **support: Any) -> Citation:
    known = {"score": 0.91, "reasons": ("88% of its words are there",)}
    span = Claim(text=claim or evidence.text, start=0, end=len(claim or evidence.text))
    rated = Support(**{**known, **support})
    return Citation(number=number, claim=span, evidence=evidence, support=rated)


def answer(text: str, *citations: Citation, **fields: Any) -> Answer:
    known: dict[str, Any] = {
        "question": "what?",
        "text": text,
        "status": "answered",
        "citations": citations,
        "evidence": (),
        "nearest": (),
        "confidence": 0.8,
        "model": "extractive",
        "notices": (),
        "seconds": {"total": 0.256},
        "trace": Trace(standalone_question="what?", model="extractive"),
    }
    return Answer(**{**known, **fields})


def done(text: str, *citations: Citation, question: str = "what?", **fields: Any) -> Turn:
    return Turn(question=question, text=text, answer=answer(text, *citations, **fields))


TWIGS = sentence(TWIGNET, "TwigNet removes 92% of the weights of a ResNet-50")


class TestEscape:
    @given(texts)
    def test_shows_the_characters_and_nothing_else(self, text: str) -> None:
        seen = Seen(render.escape(text))
        plain = text.encode(errors="replace").decode()
        shown = "".join(" " if ord(mark) < 32 and mark not in "\t\n\r" else mark for mark in plain)
        assert seen.tags == []
        assert seen.text.replace("\x7f", " ") == shown.replace("\x7f", " ")

    @given(texts)
    def test_leaves_no_mark_of_html_markdown_latex_or_templates(self, text: str) -> None:
        without_references = html.unescape("x").join(
            part.partition(";")[2] if place else part
            for place, part in enumerate(render.escape(text).split("&#"))
        )
        assert not set(without_references) & set("<>&\"'`*_[](){}!$\\|~#:/@")

    def test_is_one_line_of_references(self) -> None:
        assert render.escape("<b>a & b</b>") == "&#60;b&#62;a &#38; b&#60;&#47;b&#62;"


class TestSafeLink:
    @pytest.mark.parametrize(
        "address", ["http://a.org/x", "https://doi.org/10.1/2?x=1&y", " https://a.org "]
    )
    def test_web_addresses(self, address: str) -> None:
        assert safe_link(address) == address.strip()

    @pytest.mark.parametrize(
        "address",
        ["", "javascript:alert(1)", "JAVASCRIPT://x/%0aalert(1)", "data:text/html,x", "file:///etc",
         "//a.org", "a.org", "http:", "https://", "http://[::1", "vbscript:x", "java\nscript:x"],
    )  # fmt: skip
    def test_anything_else(self, address: str) -> None:
        assert safe_link(address) == ""

    @given(texts)
    def test_never_another_scheme(self, text: str) -> None:
        link = safe_link(text)
        assert not link or link.lower().startswith(("http://", "https://"))


class TestReply:
    def test_marks_of_known_sources_are_links(self) -> None:
        seen = Seen(render.reply(done("It prunes [1].", cites(1, TWIGS)), 3))
        assert seen.all("a") == [{"class": "cite", "href": "#source-3-1"}]
        assert "It prunes [1]." in seen.text

    def test_unknown_numbers_are_no_links(self) -> None:
        seen = Seen(render.reply(done("It prunes [2][1].", cites(1, TWIGS)), 1))
        assert [link["href"] for link in seen.all("a")] == ["#source-1-1"]
        assert "It prunes [2][1]." in seen.text

    def test_streaming_text_has_a_stage_and_no_links(self) -> None:
        seen = Seen(render.reply(Turn(question="q", text="It prunes [1].", stage="m writes"), 1))
        assert seen.all("a") == []
        assert seen.text == "It prunes [1].m writes…"

    def test_facts(self) -> None:
        seen = Seen(render.reply(done("Yes [1].", cites(1, TWIGS)), 1))
        assert seen.text.endswith("answered · extractive · 0.26 sCopyEditRetryGoodBad")

    def test_buttons_name_the_turn_and_the_chosen_rating(self) -> None:
        seen = Seen(render.reply(replace(done("Yes."), rating="up"), 4))
        values = [button["value"] for button in seen.all("button")]
        assert values == ["copy:4", "edit:4", "retry:4", "up:4", "down:4"]
        assert seen.text.endswith("Retry✓ GoodBad")
        assert Seen(render.reply(Turn(question="q", stage="s"), 1)).all("button") == []

    def test_notices_and_what_was_checked(self) -> None:
        checks = Checks(checked=5, kept=3, shortened=1, dropped=2)
        turn = done("Yes.", status="partial", notices=("Words only.",), checks=checks)
        seen = Seen(render.reply(turn, 1))
        assert len([one for one in seen.all("p") if one["class"] == "notice"]) == 1
        assert "Words only." in seen.text
        checked = "5 sentences checked against the papers: 3 kept, 1 of them shortened, 2 dropped."
        assert checked in seen.text
        assert "answered in part" in seen.text

    def test_a_table_is_one_with_marks_in_it(self) -> None:
        text = (
            "Two prune [1].\n\n| Method | <b>Size</b> |\n|---|---|\n"
            "| Twig\\|Net | <i>5</i> [1] |\n\nThat is all [1]."
        )
        seen = Seen(render.reply(done(text, cites(1, TWIGS)), 2))
        names = [name for name, _ in seen.tags if name not in ("p", "a", "button")]
        assert names == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
        assert [link["href"] for link in seen.all("a")] == ["#source-2-1"] * 3
        assert "Twig|Net" in seen.text
        assert "<b>Size</b>" in seen.text
        assert "<i>5</i> [1]" in seen.text
        assert "|---" not in seen.text

    def test_a_table_shows_while_it_grows(self) -> None:
        text = "| Method | Size |\n|---|---|\n| Twig | 5 [1] |"
        seen = Seen(render.reply(Turn(question="q", text=text, stage="m writes"), 1))
        assert len(seen.all("td")) == 2
        assert seen.all("a") == []

    def test_a_problem_is_plain_text(self) -> None:
        seen = Seen(render.reply(Turn(question="q", problem="Port <b>7</b> is taken."), 1))
        assert seen.text == "Port <b>7</b> is taken.CopyEditRetry"
        assert {name for name, _ in seen.tags} == {"p", "button"}

    def test_messages_alternate(self) -> None:
        turns = (done("One."), Turn(question="two?", stage="reading"))
        shown = render.messages(turns)
        assert [message["role"] for message in shown] == ["user", "assistant"] * 2
        assert Seen(shown[2]["content"]).text == "two?"


class TestPanel:
    def test_marks_the_sentence_in_the_abstract(self) -> None:
        seen = Seen(panel((done("It prunes [1].", cites(1, TWIGS)),)))
        assert seen.marked == [TWIGS.text]
        assert TWIGNET.abstract in seen.text
        assert seen.all("details")[0] == {"class": "source", "id": "source-1-1", "open": None}

    def test_marks_what_the_sentence_refers_to(self) -> None:
        context = sentence(TWIGNET, "Large networks are costly to store.").passage
        evidence = replace(TWIGS, context=context)
        seen = Seen(panel((done("It prunes [1].", cites(1, evidence)),)))
        assert seen.marked == [context.text, TWIGS.text]
        assert seen.all("mark")[0] == {"class": "context", "title": sources.CONTEXT}
        assert TWIGNET.abstract in seen.text

    def test_names_the_paper_and_links_to_it(self) -> None:
        seen = Seen(panel((done("It prunes [1].", cites(1, TWIGS)),)))
        assert seen.all("a")[0] == {
            "href": "https://doi.org/10.1234/twignet",
            "target": "_blank",
            "rel": "noopener noreferrer",
        }
        assert TWIGNET.title in seen.text
        assert "Ada Birch, Ben Oak · 2021" in seen.text

    def test_a_link_of_another_kind_is_left_out(self) -> None:
        paper = replace(TWIGNET, url="javascript:alert(1)")
        evidence = sentence(paper, TWIGS.text)
        seen = Seen(panel((done("It prunes [1].", cites(1, evidence)),)))
        assert [link["class"] for link in seen.all("a")] == ["back"]

    def test_says_how_well_a_sentence_supports(self) -> None:
        seen = Seen(panel((done("It prunes [1].", cites(1, TWIGS)),)))
        assert "Supported 0.91: 88% of its words are there" in seen.text
        assert {"class": "badge supported"} in seen.all("span")

    def test_weak_support_shows(self) -> None:
        weak = cites(1, TWIGS, score=0.31, label="not found", reasons=())
        seen = Seen(panel((done("It prunes [1].", weak),)))
        assert "Weak 0.31" in seen.text
        assert {"class": "badge weak"} in seen.all("span")

    def test_each_claim_of_a_number_is_listed(self) -> None:
        citations = (cites(1, TWIGS, "It is small."), cites(1, TWIGS, "It is sparse.", score=0.6))
        seen = Seen(panel((done("It is small [1]. It is sparse [1].", *citations),)))
        assert len([one for one in seen.all("details") if one["class"] == "source"]) == 1
        assert "It is small. Supported 0.91" in seen.text
        assert "It is sparse. Supported 0.60" in seen.text

    def test_summaries_say_so(self) -> None:
        bundled = replace(TWIGNET, source=BUNDLED_SOURCE)
        own = Seen(panel((done("It [1].", cites(1, TWIGS)),)))
        summary = Seen(panel((done("It [1].", cites(1, sentence(bundled, TWIGS.text))),)))
        assert THIS_IS_A_SUMMARY not in own.text
        assert THIS_IS_A_SUMMARY in summary.text

    def test_only_the_latest_answer_shows(self) -> None:
        turns = (
            done("It [1].", cites(1, TWIGS), question="first?"),
            Turn(question="second?", problem="No."),
            done("It [1].", cites(1, sentence(HIVE, "Most bees followed hedges")), question="3?"),
        )
        seen = Seen(panel(turns))
        assert seen.all("section") == [
            {"class": "sources", "id": "sources-1", "hidden": None},
            {"class": "sources", "id": "sources-3"},
        ]

    def test_abstentions_name_the_nearest_papers(self) -> None:
        seen = Seen(panel((done("No.", status="abstained", nearest=(HIVE, TWIGNET)),)))
        assert "Nearest papers" in seen.text
        assert seen.marked == []
        assert HIVE.title in seen.text
        assert TWIGNET.abstract in seen.text

    def test_nothing_asked_yet(self) -> None:
        assert NO_SOURCES in Seen(panel(())).text

    def test_a_huge_abstract_is_cut_around_the_sentence(self) -> None:
        filler = "Filler words. " * 100_000
        paper = replace(TWIGNET, abstract=f"{filler}{TWIGS.text}. {filler}")
        evidence = sentence(paper, TWIGS.text)
        seen = Seen(panel((done("It [1].", cites(1, evidence)),)))
        assert seen.marked == [TWIGS.text]
        assert len(seen.text) < 2 * LONGEST_ABSTRACT
        # What it refers to is out of sight, and no reason to show all between.
        far = replace(evidence, context=Passage(paper=paper, start=0, end=13))
        seen = Seen(panel((done("It [1].", cites(1, far)),)))
        assert seen.marked == [TWIGS.text]


class TestHostile:
    """Nothing in papers, questions or models' text becomes markup."""

    @given(texts)
    def test_only_our_own_tags(self, text: str) -> None:
        self.check(text)

    def test_known_tricks(self) -> None:
        self.check(HOSTILE)

    def check(self, text: str) -> None:
        paper = Paper(
            id=text, title=text, abstract=f"{text}{text}.", authors=(text,), venue=text, url=text,
            source=BUNDLED_SOURCE,
        )  # fmt: skip
        evidence = Evidence(
            key=1, passage=Passage(paper=paper, start=len(text), end=2 * len(text)), score=1.0
        )
        citation = cites(1, evidence, claim=text, reasons=(text,))
        trace = Trace(
            standalone_question=text,
            model=text,
            rejected=({"text": text, "reasons": [text]},),
            unknown_numbers=(text,),
            flagged=(Flagged(paper_id=text, field=text, text=text, reasons=(text,)),),
            asked=(Message(role="user", content=text),),
        )
        turn = done(
            text, citation, citation, question=text, model=text, notices=(text,), trace=trace,
            evidence=(evidence,), seconds={text: 1.0},
        )  # fmt: skip
        plain_trace = replace(trace, asked=(Message(role="user", content="plain"),))
        plain = done(
            "plain", cites(1, TWIGS), cites(1, TWIGS), evidence=(TWIGS,), trace=plain_trace
        )
        shape = [name for name, _ in Seen(panel((plain,))).tags if name != "mark"]
        turns = (turn, done(text, nearest=(paper,)), Turn(question=text, stage=text, problem=text))
        made = Seen(
            panel(turns, Similar(paper=paper, papers=(paper,)))
            + "".join(message["content"] for message in render.messages(turns))
            + render.header(text, 3, text, has_summaries=True)
        )
        assert {name for name, _ in made.tags} <= {*shape, "mark", "p", "a", "h1", "button"}
        for _, attributes in made.tags:
            assert set(attributes) <= ATTRIBUTES
            link = attributes.get("href")
            assert link is None or link.startswith(("#source-", "#talk", "http://", "https://"))


class TestHeader:
    def test_counts_papers_and_names_the_model(self) -> None:
        seen = Seen(render.header("Title", 12_345, "gpt", has_summaries=False))
        assert seen.text == "Title12,345 papers · model: gpt"
        assert "1 paper ·" in Seen(render.header("Title", 1, "gpt", has_summaries=False)).text

    def test_the_note_on_summaries_is_exact(self) -> None:
        assert Seen(render.header("Title", 140, "gpt", has_summaries=True)).text.endswith(
            "The bundled library holds summaries written for this project, not the authors' "
            "abstracts; look the papers up by title."
        )

    def test_an_empty_library_says_how_to_fill_it(self) -> None:
        assert "assistant add --bundled" in render.placeholder(0)
        assert "assistant add" not in render.placeholder(1)

    def test_a_model_on_its_way_is_told_and_that_it_is_ready_to_who_waited(self) -> None:
        under_way = Preparation(state="fetching", name="small", done=1, total=4)
        text = Seen(render.status(under_way)).text
        assert "small is being fetched (25 %). Until it is ready, answers quote" in text
        ready = Preparation(state="ready", name="small")
        assert render.status(ready) == ""
        assert "small is ready: it writes" in Seen(render.status(ready, waited=True)).text
        failed = Preparation(state="failed", name="small")
        assert Seen(render.status(failed, ["No <disk>."], waited=True)).text == "No <disk>."

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({"model": "extractive"}, "extractive (quotes the papers' own sentences)"),
            ({"model": "openai"}, "gpt-4.1-mini, which reads your questions at api.openai.com"),
            (
                {"model": "openai", "openai_base_url": "http://user:secret@box:8080/v1"},
                "gpt-4.1-mini, which reads your questions at box",
            ),
            ({"model": "local", "local_model_path": "/models/tiny.gguf"}, "tiny"),
        ],
    )
    def test_model_name(self, values: dict[str, Any], expected: str) -> None:
        settings = Settings(home=Path("h"), models=Path("m"), **values)
        assert render.model_name(settings) == expected


class Telling(Assistant):
    """An assistant that tells given events, then raises an error if it has one."""

    def __init__(self, events: Sequence[Event] = (), error: Exception | None = None) -> None:
        super().__init__(Settings(home=Path("unused"), models=Path("unused")))
        self.events, self.error = events, error
        self.asked: list[tuple[str, Sequence[Any]]] = []

    def stream(
        self, question: str, history: Sequence[Any] = (), *, where: Any = None
    ) -> Iterator[Event]:
        self.asked.append((question, history))
        yield from self.events
        if self.error:
            raise self.error


class TestConversation:
    def test_a_turn_grows_to_its_answer(self) -> None:
        last = answer("It prunes. It rests.")
        told = [
            StageEvent(name="retrieve", detail="searching"),
            TextEvent(text="It prunes."),
            TextEvent(text=" It rests."),
            AnswerEvent(answer=last),
        ]
        grown = [turns[-1] for turns in converse(Telling(told), "what?", ())]
        assert [turn.text for turn in grown] == [
            "",
            "",
            "It prunes.",
            *["It prunes. It rests."] * 2,
        ]
        assert [turn.is_open for turn in grown] == [True] * 4 + [False]
        assert grown[1].stage == "searching"
        assert grown[-1] == Turn(question="what?", text=last.text, answer=last)

    def test_earlier_turns_go_along_as_plain_text(self) -> None:
        assistant = Telling()
        earlier = (done("Yes [1].", question="a < b?"), Turn(question="c?", problem="No."))
        shown = list(converse(assistant, "and?", earlier))
        assert all(turns[:2] == earlier for turns in shown)
        assert assistant.asked == [
            (
                "and?",
                [
                    Message(role="user", content="a < b?"),
                    Message(role="assistant", content="Yes [1]."),
                ],
            )
        ]
        assert history(()) == []

    def test_our_errors_are_shown_as_they_are(self) -> None:
        *_, last = converse(Telling(error=SettingsError("Set it.")), "what?", ())
        assert last[-1].problem == "Set it."

    def test_other_errors_go_to_the_log_only(self, caplog: pytest.LogCaptureFixture) -> None:
        told = [TextEvent(text="Half")]
        *_, last = converse(Telling(told, KeyError("secret")), "what?", ())
        assert last[-1] == Turn(question="what?", text="Half", problem=SOMETHING_WRONG)
        assert "KeyError" in caplog.text

    def test_an_empty_library_says_how_to_fill_it(self, library: Callable[..., Assistant]) -> None:
        *_, last = converse(library(()), "what?", ())
        assert "assistant add --bundled" in last[-1].problem

    def test_half_a_surrogate_pair_is_replaced(self) -> None:
        assistant = Telling()
        list(converse(assistant, "what \ud800?", ()))
        assert assistant.asked[0][0] == "what ??"

    def test_stopping_ends_an_open_turn_only(self) -> None:
        open_turn = advanced(Turn(question="q"), StageEvent(name="write", detail="m writes"))
        assert stopped((open_turn,)) == (Turn(question="q", problem=STOPPED),)
        finished = (done("Yes."),)
        assert stopped(finished) is finished
        assert stopped(()) == ()


class TestAddress:
    def test_a_taken_port_names_the_option(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(SettingsError, match=rf"Port {port} .* is in use; pass --port"):
                PageServer(Telling(), host="127.0.0.1", port=port)

    @pytest.mark.parametrize("port", [-1, 70_000])
    def test_a_port_that_cannot_be(self, port: int) -> None:
        with pytest.raises(SettingsError, match=f"{port} is no port; pass --port"):
            PageServer(Telling(), host="127.0.0.1", port=port)

    def test_a_host_of_another_machine(self) -> None:
        """In a process of its own: here, looking the address up is already refused."""
        code = "from assistant.web.server import _listener; _listener('192.0.2.1', 0)"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "192.0.2.1, port 0 can't be served" in ended.stderr
        assert "pass --host" in ended.stderr
