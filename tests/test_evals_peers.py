"""`python -m evals peers`: each system against a server that says what it is told."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from assistant.types import Answer, Passage
from evals.__main__ import main
from evals.chat_server import ChatServer
from evals.log import RunLog
from evals.peers.bare import Bare
from evals.peers.citation_engine import CitationEngine
from evals.peers.citation_engine import numbered as sourced
from evals.peers.paper_qa import PaperQA, numbered
from evals.peers.peer import Reply, Source, as_answer, declines, located, whole
from evals.peers.run import PEERS, ROWS, Entry, harmonic, sample, table
from evals.questions import Question
from tests.fakes import FakeServer, WordEmbedder, prompt_of, says
from tests.samples import HIVE, SAMPLE, TWIGNET

QUESTION = "How many honeybees did the radar study track in fog?"


@pytest.fixture
def chat(server: FakeServer) -> ChatServer:
    return ChatServer(base_url=server.address, model="fake-model")


def replied(text: str) -> Answer:
    """Return the answer of a system that has read two papers and wrote `text`."""
    sources = {1: Source(passage=whole(HIVE), score=0.9), 2: Source(passage=whole(TWIGNET))}
    return as_answer(
        Reply(
            question="?", text=text, sources=sources, seconds=1.5, model="m",
            found=[sources[2], sources[1], sources[2]],
        )
    )  # fmt: skip


# --- from a reply to an answer ---------------------------------------------------------------


def test_marks_become_citations_and_unknown_ones_are_kept_apart() -> None:
    answer = replied("- It tracked 240 bees [1, 2].\n- Bees fly. [1] Radar is loud [7]. It ends.")
    assert answer.text == "It tracked 240 bees [1][2]. Bees fly [1]. Radar is loud. It ends."
    assert [(one.number, one.claim.text) for one in answer.citations] == [
        (1, "It tracked 240 bees."),
        (2, "It tracked 240 bees."),
        (1, "Bees fly."),
    ]
    assert [answer.text[one.start : one.end] for one in answer.claims] == [
        "It tracked 240 bees [1][2].",
        "Bees fly [1].",
        "Radar is loud.",
        "It ends.",
    ]
    assert [one.supported for one in answer.claims] == [True, True, False, False]
    assert answer.trace.unknown_numbers == ("7",)
    # Found as ranked, each paper once.
    assert [hit["title"] for hit in answer.trace.hits] == [TWIGNET.title, HIVE.title]
    assert (answer.status, answer.seconds) == ("answered", {"total": 1.5})


def test_a_reply_that_declines_cites_nothing() -> None:
    answer = replied("The sources do not mention the price of radar [1].")
    assert (answer.status, answer.citations, answer.claims) == ("abstained", (), ())
    assert answer.text == "The sources do not mention the price of radar [1]."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Empty Response",
        "I cannot answer.",
        "I cannot answer this question due to insufficient information.",
        "Radar is a device. Therefore I can't answer the question.",
        "I'm unable to answer that from the abstracts.",
        "The question cannot be answered with these abstracts.",
        "None of the sources are helpful here.",
        "The provided context does not specify the price.",
        "The papers don't give a price [2].",
        "There is no information about the price.",
    ],
)
def test_what_counts_as_declining(text: str) -> None:
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    [
        "It tracked 240 bees [1].",
        "Bees without landmarks did not return within two hours [1].",
        "The method does not contain a decoder [1].",
        "It tracked 240 bees [1]. The sources do not mention the price.",
        "The sources say that radar can see 240 bees.",
    ],
)
def test_what_does_not(text: str) -> None:
    assert not declines(text)


def test_a_part_of_the_abstract_is_found_and_all_else_is_the_whole() -> None:
    part = "We tracked 240 bees with harmonic radar in dense fog."
    start = HIVE.abstract.index(part)
    assert located(HIVE, part) == Passage(paper=HIVE, start=start, end=start + len(part))
    assert located(HIVE, "not in it") == located(HIVE, "") == whole(HIVE)
    assert whole(HIVE).text == HIVE.abstract


def test_the_keys_of_paper_qa_become_numbers() -> None:
    text = "It is 5 (pqac-0f, pqac-1a). Or 6 (pqac-1a) (so they say)."
    assert numbered(text) == (
        "It is 5 [1][2]. Or 6 [2] (so they say).",
        {"pqac-0f": 1, "pqac-1a": 2},
    )
    assert numbered("Nothing (p. 3).") == ("Nothing (p. 3).", {})


def test_the_sources_that_the_engine_names_become_numbers() -> None:
    text = "It is 5 [Source 3]. It flies (Sources 1 and 2). Or [source 1, Source 2] (so they say)."
    assert sourced(text) == "It is 5 [3]. It flies [1][2]. Or [1][2] (so they say)."
    assert sourced("It is 5 [3] (see Source 3, p. 2).") == "It is 5 [3] (see Source 3, p. 2)."


# --- the systems -----------------------------------------------------------------------------


def test_bare_reads_the_nearest_abstracts(server: FakeServer, chat: ChatServer) -> None:
    server.will(says("It tracked 240 bees [1]. It was dark [9]."))
    peer = Bare(chat, WordEmbedder())
    peer.add(SAMPLE)
    answer = peer.ask(QUESTION)
    (body,) = server.bodies
    assert f"[1] {HIVE.title}. {HIVE.abstract}\n\n[2] " in prompt_of(body)
    assert f"\n\nQuestion: {QUESTION}\n\nAnswer the question from" in prompt_of(body)
    assert (body["temperature"], body["max_tokens"]) == (0, 300)
    assert answer.text == "It tracked 240 bees [1]. It was dark."
    assert [one.evidence.paper for one in answer.citations] == [HIVE]
    assert answer.trace.unknown_numbers == ("9",)
    assert len(answer.trace.hits) == len(SAMPLE)
    server.will(says("I cannot answer."))
    assert peer.ask("What does radar cost?").status == "abstained"


def test_citation_engine_reads_its_numbered_sources(
    server: FakeServer, chat: ChatServer, tmp_path: Path
) -> None:
    def cites_the_bees(body: dict[str, Any]) -> str:
        sources = re.findall(r"Source (\d):\n(.+)\n", prompt_of(body).split("------")[1])
        number = next(n for n, text in sources if text.startswith(HIVE.title))
        return f"It tracked 240 bees [{number}], which it says [99]."

    server.will(says(cites_the_bees))
    peer = CitationEngine(chat, WordEmbedder(), tmp_path / "chroma")
    peer.add(SAMPLE)
    answer = peer.ask(QUESTION)
    (body,) = server.bodies
    assert "If none of the sources are helpful, you should indicate that." in prompt_of(body)
    assert [one["role"] for one in body["messages"]] == ["user"]
    assert HIVE.id not in prompt_of(body)
    assert (body["temperature"], body["max_tokens"]) == (0, 300)
    (citation,) = answer.citations
    assert citation.evidence.text == HIVE.abstract
    assert answer.trace.unknown_numbers == ("99",)
    assert len(answer.trace.hits) == 3
    assert answer.trace.hits[0]["title"] == HIVE.title


@pytest.mark.skipif(find_spec("paperqa") is None, reason="the extra 'peers' is not installed")
@pytest.mark.filterwarnings("ignore")  # its packages' own
@pytest.mark.parametrize("embedder", [None, WordEmbedder()])
def test_paper_qa_sums_up_evidence_and_answers(
    server: FakeServer, chat: ChatServer, embedder: WordEmbedder | None
) -> None:
    def plays(body: dict[str, Any]) -> str:
        if "relevance_score" in json.dumps(body["messages"]):
            score = 8 if "240 bees" in prompt_of(body) else 0
            return json.dumps({"summary": "It tracked 240.", "relevance_score": score})
        (key,) = set(re.findall(r"pqac-[0-9a-f]+", prompt_of(body).split("Question:")[0]))
        return f"It tracked 240 bees ({key}, pqac-00000000)."

    peer = PaperQA(chat, embedder)
    peer.add(SAMPLE)
    server.will(says(plays))
    answer = peer.ask(QUESTION)
    assert answer.text == "It tracked 240 bees [1]."
    assert [one.evidence.paper for one in answer.citations] == [HIVE]
    assert answer.trace.unknown_numbers == ("2",)
    assert len(server.bodies) == len(SAMPLE) + 1
    server.will(says(json.dumps({"summary": "", "relevance_score": 0})))
    assert peer.ask("What does radar cost?").status == "abstained"
    peer.close()


# --- the command -----------------------------------------------------------------------------


@pytest.fixture
def compare(
    tmp_path: Path, models_folder: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Return what runs the command on two questions about the sample papers."""
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    monkeypatch.setenv("OPENAI_BASE_URL", server.address)
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in SAMPLE))
    asked = [
        {"id": "s1", "type": "single", "question": QUESTION, "gold": [HIVE.title],
         "must_include": [["240"]]},
        {"id": "u1", "type": "unanswerable", "question": "What does the radar for bees cost?"},
        {"id": "w1", "type": "wording", "question": QUESTION, "gold": [HIVE.title],
         "where": "year >= 2000"},
        {"id": "f1", "type": "follow-up", "question": "And then?", "gold": [HIVE.title],
         "history": [{"role": "user", "content": "Bees?"}]},
    ]  # fmt: skip
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(json.dumps(one) + "\n" for one in asked))

    def run(*more: str) -> Result:
        shared = ("--questions", str(questions), "--out", str(tmp_path / "out"))
        return CliRunner().invoke(main, ["peers", str(papers), *shared, *more])

    return run


def says_240(body: dict[str, Any]) -> str:
    """Reply to either prompt: ours numbers sentences, the bare one abstracts."""
    if "cost" in prompt_of(body).split("Question:")[1]:
        return "UNANSWERABLE" if "UNANSWERABLE" in json.dumps(body) else "I cannot answer."
    line = next(one for one in prompt_of(body).splitlines() if "240 bees" in one)
    return f"We tracked 240 bees with harmonic radar in dense fog {line.split()[0]}."


def test_command_scores_all_alike_and_goes_on_where_it_was(
    compare: Any, server: FakeServer, tmp_path: Path
) -> None:
    server.will(says(says_240))
    chosen = ("--peer", "ours", "--peer", "bare")
    first = compare(*chosen, "--json")
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert list(found) == ["ours", "bare"]
    for group in found.values():
        assert group["n"] == 2
        for metric in ("facts", "gold_citation_f1", "abstention_f1", "alce_citation_f1"):
            assert group[metric]["value"] == 1.0
    log = RunLog.read(tmp_path / "out" / "bare.jsonl")
    assert log.run["settings"]["peer"] == "bare"
    assert log.run["settings"]["papers"] == 5

    asked = len(server.bodies)
    shown = compare(*chosen)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[:3] == [
        "|  | ours | bare |",
        "| --- | ---: | ---: |",
        "| questions | 2 | 2 |",
    ]
    assert len(server.bodies) == asked

    path = tmp_path / "out" / "bare.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert compare(*chosen).exit_code == 0
    assert len(server.bodies) == asked + 1
    assert RunLog.read(path).pending() == []
    path.write_bytes(b'{"kind": "ru')  # killed while its first line was written
    assert compare(*chosen).exit_code == 0
    assert RunLog.read(path).pending() == []
    other = compare(*chosen, "--limit", "1")
    assert other.exit_code == 1
    assert "other questions" in other.stderr


def test_an_unknown_system_and_a_missing_package_are_named(compare: Any) -> None:
    unknown = compare("--peer", "oracle")
    assert unknown.exit_code == 2
    assert "'oracle'" in unknown.stderr
    if find_spec("paperqa") is None:
        missing = compare("--peer", "paper-qa")
        assert missing.exit_code == 1
        assert "paper-qa needs paper-qa, which isn't installed" in missing.stderr


def test_systems_that_are_not_asked_are_told(
    compare: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Entry(make=PEERS["bare"].make, packages=("no-such-package",))
    monkeypatch.setattr(
        "evals.peers.run.PEERS",
        {"bare": PEERS["bare"], "elsewhere": entry, "paper-qa-dense": PEERS["bare"]},
    )
    server.will(says(says_240))
    done = compare("--type", "single")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[:3:2] == ["|  | bare |", "| questions | 1 |"]
    assert "elsewhere isn't asked (without no-such-package: pip install" in done.stderr
    assert "paper-qa-dense isn't asked (by --peer only)." in done.stderr


def test_a_third_of_a_sample_is_unanswerable() -> None:
    asked = [
        Question(id=str(number), type="?", question="?", gold=("Kettle",) * (number % 4 > 0))
        for number in range(40)
    ]
    chosen = sample(asked, 12, seed=1)
    assert [one.answerable for one in chosen].count(False) == 4
    assert [int(one.id) for one in chosen] == sorted(int(one.id) for one in chosen)
    assert chosen == sample(asked, 12, seed=1) != sample(asked, 12, seed=2)
    assert sample(asked, None, seed=1) == sample(asked, 99, seed=1) == asked
    # There are 10 without an answer, and 30 with one.
    assert [one.answerable for one in sample(asked, 36, seed=1)].count(False) == 10
    answerable = [one for one in asked if one.answerable]
    assert len(sample(answerable, 12, seed=1)) == 12
    assert len(sample([one for one in asked if not one.answerable], 9, seed=1)) == 9


def test_f1_and_table_by_hand() -> None:
    assert harmonic(0.5, 1.0) == pytest.approx(2 / 3)
    assert harmonic(0.0, 0.0) == 0.0
    assert harmonic(None, 1.0) is None
    group = {name: {"value": None} for name, _ in ROWS} | {"n": 2, "errors": 1}
    lines = table({"a": group, "b": group | {"hit@1": {"value": 0.25}}}).splitlines()
    assert lines[2] == "| questions | 2 | 2 |"
    assert lines[3] == "| right paper first | – | 0.250 |"
    assert lines[-1] == "| errors | 1 | 1 |"
