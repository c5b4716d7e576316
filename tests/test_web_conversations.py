"""Conversations as they are kept, searched, exported and judged."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.adapters.conversation_store import SqliteConversations
from assistant.app import Assistant
from assistant.errors import LibraryError
from assistant.filters import parse_filter, to_text
from assistant.protocols import StoredConversation
from assistant.types import Paper
from assistant.web import archive, feedback, transcripts
from assistant.web.conversation import STOPPED, Conversation, Turn, converse
from assistant.web.desk import Desk, open_desk
from assistant.web.scope import EVERYTHING, Scope, choices
from assistant.web.suggestions import name, suggestions
from evals.questions import Question
from tests.samples import HIVE, STORYLINE, TWIGNET

QUESTION = "What share of the weights does TwigNet remove?"


@pytest.fixture
def talk(quoting: Callable[..., Assistant]) -> Conversation:
    """Return a conversation of one real answer."""
    *_, turns = converse(quoting(answerable_at=0.0), QUESTION, ())
    scope = Scope(low=2000, topics=("a b",), papers=(TWIGNET.id,))
    return Conversation(id="c1", turns=turns, scope=scope)


class Told(list[str]):
    """Notes what the user is told."""

    def __call__(self, words: str) -> None:
        self.append(words)


class TestArchive:
    def test_comes_back_as_it_was(self, talk: Conversation) -> None:
        record = archive.stored(talk)
        assert record.title == QUESTION
        back = archive.restored(record)
        answer = talk.turns[0].answer
        assert answer is not None
        assert back.turns[0].answer is not None
        assert back.turns[0].answer.to_json() == answer.to_json()
        assert back.turns[0].answer.citations == answer.citations
        assert back.turns[0].answer.evidence == answer.evidence
        assert replace(back, turns=()) == replace(talk, turns=())

    def test_each_paper_stands_there_once(self, talk: Conversation) -> None:
        assert archive.stored(talk).content.count(json.dumps(TWIGNET.abstract)) == 1

    def test_a_turn_that_was_cut_off_is_stopped(self) -> None:
        cut = Conversation(id="c", turns=(Turn(question="q", text="Half", stage="m writes"),))
        assert archive.restored(archive.stored(cut)).turns[0].problem == STOPPED

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', '{"format": 1}'])
    def test_what_another_version_stored_is_refused_in_words(self, content: str) -> None:
        record = StoredConversation(id="c", title="Bees", content=content)
        with pytest.raises(LibraryError, match=r"“Bees” can't be shown again.*delete it"):
            archive.restored(record)


class TestStore:
    def test_users_see_only_their_own(self, tmp_path: Path) -> None:
        store = SqliteConversations(tmp_path / "new" / "c.sqlite")
        mine = StoredConversation(id="1", title="Bees", content="{}")
        store.save("ann", mine, "bees in fog")
        store.note("ann", "1", 1, "answer", {"a": 1})
        assert store.load("ann", "1") == mine
        assert store.load("bob", "1") is None
        assert store.titles("bob") == []
        assert store.notes("bob") == []
        store.delete("bob", "1")
        assert store.titles("ann") == [("1", "Bees")]
        store.delete("ann", "1")
        assert store.load("ann", "1") is None
        assert store.notes("ann") == [{"a": 1}]

    def test_only_its_owner_can_read_the_file(self, tmp_path: Path) -> None:
        SqliteConversations(tmp_path / "c.sqlite").titles("")
        assert stat.S_IMODE((tmp_path / "c.sqlite").stat().st_mode) == 0o600

    def test_search_wants_every_word_and_the_latest_come_first(self, tmp_path: Path) -> None:
        store = SqliteConversations(tmp_path / "c.sqlite")
        for one, words in (("1", "Bees in Fog"), ("2", "Bees at home"), ("1", "BEES in fog 100%")):
            store.save("", StoredConversation(id=one, title=words, content=""), words)
        assert [one for one, _ in store.titles("")] == ["1", "2"]
        assert [one for one, _ in store.titles("", "fog bees")] == ["1"]
        assert [one for one, _ in store.titles("", "100%")] == ["1"]
        assert store.titles("", "bees _") == []

    def test_a_later_note_about_the_same_replaces_the_earlier(self, tmp_path: Path) -> None:
        store = SqliteConversations(tmp_path / "c.sqlite")
        for verdict in ("up", "down"):
            store.note("", "c", 1, "answer", {"verdict": verdict})
        store.note("", "c", 1, "citation 2", {"verdict": "wrong citation"})
        assert [one["verdict"] for one in store.notes("")] == ["down", "wrong citation"]

    def test_a_file_that_is_none_says_what_to_do(self, tmp_path: Path) -> None:
        path = tmp_path / "c.sqlite"
        path.write_text("no database at all, but long enough to be looked at" * 20)
        with pytest.raises(LibraryError, match=r"can't be kept in .*c\.sqlite.*doctor --repair"):
            SqliteConversations(path).titles("")


class TestDesk:
    def test_keeps_lists_and_forgets(self, library: Callable[..., Assistant]) -> None:
        told = Told()
        desk = open_desk(library(()))
        desk.save("", Conversation(), told)
        talk = Conversation(id="c", turns=(Turn(question="Why?", problem="No."),))
        desk.save("", talk, told)
        assert desk.titles("", "why") == [("Why?", "c")]
        assert desk.open("", "c", told) == talk
        assert desk.open("other", "c", told) == Conversation()
        desk.delete("", "c", told)
        assert desk.titles("") == []
        assert told == []

    def test_says_what_fails_instead_of_raising(self, library: Callable[..., Assistant]) -> None:
        class Broken(SqliteConversations):
            def __getattribute__(self, name: str) -> object:
                raise LibraryError("The disk is full; free some.")

        told = Told()
        desk = Desk(library(()), Broken(Path("unused")))
        talk = Conversation(id="c", turns=(Turn(question="Why?", problem="No."),))
        desk.save("", talk, told)
        assert desk.open("", "c", told) == Conversation()
        assert desk.titles("") == []
        desk.delete("", "c", told)
        assert desk.cases("", told) == ""
        assert set(told) == {"The disk is full; free some."}

    def test_similar_papers_leave_the_paper_itself_out(
        self, quoting: Callable[..., Assistant]
    ) -> None:
        told = Told()
        desk = open_desk(quoting())
        found = desk.similar(TWIGNET.id, told)
        assert found is not None
        assert found.paper == TWIGNET
        assert TWIGNET not in found.papers
        assert desk.similar("gone", told) is None
        assert told == ["This paper is no longer in the library."]


class TestTranscripts:
    def test_markdown_has_question_answer_sources_and_scope(self, talk: Conversation) -> None:
        text = transcripts.as_markdown(talk)
        assert text.startswith(f"# {QUESTION}")
        assert "*Only the chosen paper, from 2000 on, on a b.*" in text
        assert f"1. **{TWIGNET.title}** (Ada Birch, Ben Oak, 2021)" in text
        assert "<https://doi.org/10.1234/twignet>" in text
        assert "[1]" in text

    def test_text_of_others_makes_no_markup(self) -> None:
        turn = Turn(question="<b>a</b> [x](javascript:1) `c` # *d*", problem="![x](http://e)")
        text = transcripts.as_markdown(Conversation(id="c", turns=(turn,)))
        assert r"\<b\>a\</b\> \[x\]\(javascript:1\) \`c\` \# \*d\*" in text
        assert "http://" not in text

    def test_json_holds_the_answers_as_the_command_line_gives_them(
        self, talk: Conversation
    ) -> None:
        content = json.loads(transcripts.as_json(talk))
        answer = talk.turns[0].answer
        assert answer is not None
        assert content["turns"][0]["answer"] == json.loads(answer.to_json())
        assert content["filters"]["low"] == 2000


class TestFeedback:
    def case(self, *records: dict[str, object]) -> Question:
        lines = feedback.cases(records).splitlines()
        return Question.from_dict(json.loads(lines[0]))

    def test_a_good_answer_is_a_case_as_it_stands(self, talk: Conversation) -> None:
        case = self.case(feedback.record(talk, 1, "up"))
        answer = talk.turns[0].answer
        assert answer is not None
        assert (case.type, case.question, case.reference) == ("single", QUESTION, answer.text)
        assert TWIGNET.title in case.gold
        assert case.evidence[0].find[0] in TWIGNET.abstract
        assert parse_filter(case.where) == talk.scope.filter()

    def test_a_wrong_citation_is_for_review_without_it(self, talk: Conversation) -> None:
        up, wrong = feedback.record(talk, 1, "up"), feedback.record(talk, 1, "wrong citation", 1)
        case = self.case(up, wrong)
        assert talk.turns[0].answer is not None
        first = talk.turns[0].answer.citations[0].evidence.text
        assert (case.type, case.reference) == ("review", "")
        assert first not in [source.find[0] for source in case.evidence]

    def test_what_was_rightly_declined_is_unanswerable(
        self, quoting: Callable[..., Assistant]
    ) -> None:
        *_, turns = converse(quoting(answerable_at=0.999), "Who won the cup?", ())
        talk = Conversation(id="c", turns=turns)
        assert self.case(feedback.record(talk, 1, "up")).type == "unanswerable"
        assert self.case(feedback.record(talk, 1, "down")).type == "review"

    def test_a_follow_up_takes_its_history_along(self, talk: Conversation) -> None:
        both = replace(talk, turns=(talk.turns[0], talk.turns[0]))
        case = self.case(feedback.record(both, 2, "up"))
        assert case.type == "follow_up"
        assert [turn.role for turn in case.history] == ["user", "assistant"]


class TestScope:
    @pytest.mark.parametrize(
        ("scope", "text", "words"),
        [
            (EVERYTHING, "", ""),
            (Scope(low=2019, high=2021), "year:2019..2021", "papers from 2019 to 2021"),
            (Scope(high=2021), "year<=2021", "papers up to 2021"),
            (
                Scope(low=2019, topics=("cs.LG", "graph nets")),
                'year>=2019 and (topic:cs.LG or topic:"graph nets")',
                "papers from 2019 on, on cs.LG or graph nets",
            ),
            (Scope(sources=("a.bib",)), "source:a.bib", "papers out of a.bib"),
            (Scope(papers=("x", "y")), "(id:x or id:y)", "the 2 chosen papers"),
        ],
    )
    def test_as_filter_and_in_words(self, scope: Scope, text: str, words: str) -> None:
        only = scope.filter()
        assert (to_text(only) if only else "") == text
        assert str(scope) == words

    def test_what_has_no_word_restricts_nothing(self) -> None:
        assert Scope(topics=("+",)).filter() is None

    def test_choices_are_the_papers_own(self) -> None:
        papers = [replace(TWIGNET, topics=("a", "b")), replace(HIVE, topics=("b",))]
        found = choices(papers)
        assert found.topics == ("b", "a")
        assert found.sources == ("made-up.txt",)
        assert found.papers == ((HIVE.title, HIVE.id), (TWIGNET.title, TWIGNET.id))


class TestSuggestions:
    def test_come_from_the_evidence_and_repeat_nothing(self, talk: Conversation) -> None:
        answer = talk.turns[0].answer
        assert answer is not None
        first = suggestions(answer)
        assert 1 <= len(first) <= 3
        assert any("TwigNet" in question for question in first)
        assert first[0] not in suggestions(answer, [first[0].upper()])

    @pytest.mark.parametrize(
        ("paper", "expected"),
        [
            (TWIGNET, "TwigNet"),
            (STORYLINE, "Storyline Questions"),
            (HIVE, f"“{HIVE.title}”"),
            (replace(HIVE, title="word " * 20), "“" + " ".join(["word"] * 12) + "…”"),
        ],
    )
    def test_names(self, paper: Paper, expected: str) -> None:
        assert name(paper) == expected


class TestConversation:
    def test_its_title_is_the_first_question_shortened(self) -> None:
        long = Conversation(turns=(Turn(question="word " * 30, problem="x"),))
        assert long.title == " ".join(["word"] * 12) + "…"
        assert Conversation().title == ""

    def test_before_a_turn(self) -> None:
        turns = tuple(Turn(question=str(one), problem="x") for one in range(3))
        talk = Conversation(turns=turns, editing=2)
        assert talk.before(2) == Conversation(turns=turns[:1])
        assert talk.before(0).turns == ()
