"""Domain types: exact slices, round trips, and the JSON that others rely on."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.types import (
    BUNDLED_SOURCE,
    AddReport,
    Answer,
    Checks,
    Citation,
    Claim,
    Evidence,
    Hit,
    Paper,
    Passage,
    Problem,
    Support,
    Trace,
)
from tests.samples import STORYLINE, TWIGNET

WORDS = st.text(min_size=1, max_size=40)
PAPERS = st.builds(
    Paper,
    id=WORDS,
    title=st.text(max_size=40),
    abstract=st.text(max_size=200),
    authors=st.lists(WORDS, max_size=3).map(tuple),
    year=st.none() | st.integers(1600, 2099),
    venue=st.text(max_size=10),
    url=st.text(max_size=10),
    doi=st.text(max_size=10),
    topics=st.lists(WORDS, max_size=3).map(tuple),
    source=st.text(max_size=10),
    raw_abstract=st.text(max_size=50),
)


def evidence_of(paper: Paper, words: str, key: int = 1) -> Evidence:
    """Return the evidence for the exact `words` of the paper's abstract."""
    start = paper.abstract.index(words)
    passage = Passage(paper=paper, start=start, end=start + len(words))
    return Evidence(key=key, passage=passage, score=0.87654321, scores={"dense": 0.5})


def small_answer() -> Answer:
    """Return an answer with two citations of one sentence and one of another."""
    first = evidence_of(TWIGNET, "TwigNet removes 92% of the weights of a ResNet-50", 1)
    second = evidence_of(STORYLINE, "We collect Storyline", 2)
    text = "TwigNet removes 92% [1]. Storyline is a dataset [2]."
    support = Support(score=0.91239)
    return Answer(
        question="What is removed?",
        text=text,
        status="answered",
        citations=(
            Citation(
                number=1,
                claim=Claim(text="TwigNet removes 92%", start=0, end=19),
                evidence=first,
                support=support,
            ),
            Citation(
                number=2,
                claim=Claim(text="Storyline is a dataset", start=25, end=47),
                evidence=second,
                support=support,
            ),
            Citation(
                number=1,
                claim=Claim(text="Storyline is a dataset", start=25, end=47),
                evidence=first,
                support=support,
            ),
        ),
        evidence=(first, second),
        nearest=(TWIGNET,),
        confidence=0.75,
        model="extractive",
        notices=("A notice.",),
        seconds={"total": 0.123456},
        trace=Trace(standalone_question="What is removed?", model="extractive"),
    )


@given(PAPERS)
def test_paper_survives_its_json(paper: Paper) -> None:
    assert Paper.from_dict(json.loads(json.dumps(paper.to_dict()))) == paper


def test_paper_dict_leaves_out_what_is_empty() -> None:
    paper = Paper(id="1", title="", abstract="Text.", year=2020)
    assert paper.to_dict() == {"id": "1", "title": "", "abstract": "Text.", "year": 2020}


@given(st.text(max_size=200), st.data())
def test_passage_is_an_exact_slice(abstract: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(abstract)))
    end = data.draw(st.integers(start, len(abstract)))
    paper = Paper(id="1", title="T", abstract=abstract)
    assert Passage(paper=paper, start=start, end=end).text == abstract[start:end]
    hit = Hit(paper=paper, score=1.0, start=start, end=end)
    assert hit.passage.text == abstract[start:end]


def test_content_hash_follows_title_and_abstract_alone() -> None:
    paper = Paper(id="1", title="T", abstract="A")
    # printf "T\nA" | sha256sum
    assert paper.content_hash == "e9e80f122aaf0f59"
    assert Paper(id="2", title="T", abstract="A", year=1999).content_hash == paper.content_hash
    assert Paper(id="1", title="T", abstract="B").content_hash != paper.content_hash
    assert Paper(id="1", title="U", abstract="A").content_hash != paper.content_hash


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ({"url": "https://a.org/p", "doi": "10.1/x"}, "https://a.org/p"),
        ({"doi": "10.1/x", "arxiv_id": "2101.00001"}, "https://doi.org/10.1/x"),
        ({"arxiv_id": "2101.00001", "pmid": "7"}, "https://arxiv.org/abs/2101.00001"),
        ({"pmid": "7"}, "https://pubmed.ncbi.nlm.nih.gov/7/"),
        ({}, ""),
    ],
)
def test_link_prefers_the_address_given(fields: dict[str, str], link: str) -> None:
    assert Paper(id="1", title="T", abstract="A", **fields).link == link


def test_only_the_bundled_source_makes_a_summary() -> None:
    assert Paper(id="1", title="T", abstract="A", source=BUNDLED_SOURCE).is_summary
    assert not Paper(id="1", title="T", abstract="A", source="x.txt").is_summary


def test_answer_json_keeps_its_contract() -> None:
    answer = json.loads(small_answer().to_json())
    promised = {"question", "text", "status", "citations", "evidence", "model", "seconds"}
    assert set(answer) == promised | {
        "nearest",
        "confidence",
        "notices",
        "trace",
        "claims",
        "checks",
    }
    citation = answer["citations"][0]
    assert set(citation) == {
        "number",
        "paper",
        "sentence",
        "start",
        "end",
        "context",
        "claim",
        "support",
        "tier",
    }
    assert {"id", "title", "year", "url"} <= set(citation["paper"])
    assert citation == {
        "number": 1,
        "paper": {
            "id": "doi:10.1234/twignet",
            "title": "TwigNet: Pruning Before the First Step",
            "year": 2021,
            "url": "https://doi.org/10.1234/twignet",
            "record_id": "",
        },
        "sentence": "TwigNet removes 92% of the weights of a ResNet-50",
        "start": citation["start"],
        "end": citation["start"] + 49,
        "context": None,
        "claim": "TwigNet removes 92%",
        "support": 0.912,
        "tier": "features",
    }
    assert TWIGNET.abstract[citation["start"] : citation["end"]] == citation["sentence"]
    for evidence in answer["evidence"]:
        places = {"sentence", "start", "end", "context", "is_context"}
        assert set(evidence) == {"key", "paper", "score", "scores"} | places
    assert answer["evidence"][0]["score"] == 0.8765
    assert answer["seconds"] == {"total": 0.1235}
    assert set(answer["trace"]) >= {
        "standalone_question",
        "model",
        "prompts",
        "hits",
        "rejected",
        "unknown_numbers",
        "draft",
        "tokens",
    }


def test_answer_json_is_one_line_and_keeps_letters() -> None:
    text = small_answer().to_json()
    assert "\n" not in text
    assert json.loads(text)["notices"] == ["A notice."]


def test_sources_are_the_first_citation_of_each_number() -> None:
    answer = small_answer()
    assert list(answer.sources()) == [1, 2]
    assert answer.sources()[1] is answer.citations[0]


def test_answer_reads_well_in_a_terminal() -> None:
    assert str(small_answer()) == (
        "TwigNet removes 92% [1]. Storyline is a dataset [2].\n"
        "\n"
        "[1] TwigNet: Pruning Before the First Step (2021)\n"
        "    “TwigNet removes 92% of the weights of a ResNet-50”\n"
        "\n"
        "[2] Storyline Questions: Asking Long Videos What Happened (2022)\n"
        "    “We collect Storyline”\n"
        "\n"
        "Note: A notice."
    )


def with_context() -> Answer:
    """Return an answer whose one source refers to the sentence before it."""
    answer = small_answer()
    first = answer.citations[0]
    context = evidence_of(TWIGNET, "Large networks are costly to store.").passage
    evidence = replace(first.evidence, context=context)
    return replace(answer, citations=(replace(first, evidence=evidence),), notices=())


def test_what_a_sentence_refers_to_is_shown_with_it() -> None:
    answer = with_context()
    assert str(answer).endswith(
        "\n[1] TwigNet: Pruning Before the First Step (2021)\n"
        "    (“Large networks are costly to store.”)\n"
        "    “TwigNet removes 92% of the weights of a ResNet-50”"
    )
    assert "— (“Large networks are costly to store.”) “TwigNet" in answer._repr_markdown_()
    context = answer.to_dict()["citations"][0]["context"]
    assert context == {"sentence": "Large networks are costly to store.", "start": 0, "end": 35}


def test_answer_reads_well_in_a_notebook() -> None:
    assert small_answer()._repr_markdown_() == (
        "TwigNet removes 92% [1]. Storyline is a dataset [2].\n"
        "\n"
        "1. **[TwigNet: Pruning Before the First Step](https://doi.org/10.1234/twignet)**"
        " — “TwigNet removes 92% of the weights of a ResNet-50”\n"
        "2. **[Storyline Questions: Asking Long Videos What Happened]"
        "(https://arxiv.org/abs/2203.00001)** — “We collect Storyline”\n"
        "\n"
        "*Note: A notice.*"
    )


def test_report_says_what_happened() -> None:
    problem = Problem(source="a.txt", line=3, reason="no abstract")
    report = AddReport(added=140, merged=10, skipped=1, problems=(problem,))
    assert str(report) == "140 added, 10 merged, 1 skipped"
    assert str(AddReport()) == "nothing to add"
    assert report.kept == 150
    assert str(problem) == "a.txt, line 3: no abstract"
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["problems"] == [
        {
            "source": "a.txt",
            "line": 3,
            "reason": "no abstract",
            "skipped": True,
            "bare": False,
        }
    ]


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, ""),
        ({"checked": 1, "kept": 1}, "1 sentence checked against the papers: 1 kept."),
        (
            {"checked": 4, "kept": 2, "shortened": 1, "marked": 2},
            "4 sentences checked against the papers: 2 kept, 1 of them shortened, "
            "2 shown though not supported.",
        ),
        (
            {"checked": 3, "kept": 1, "quoted": 2},
            "3 sentences checked against the papers: 1 kept, "
            "2 replaced by the paper's own sentence.",
        ),
        (
            {"checked": 2, "dropped": 2},
            "2 sentences checked against the papers: 0 kept, 2 dropped.",
        ),
    ],
)
def test_checks_say_what_became_of_the_sentences(counts: dict[str, int], text: str) -> None:
    assert str(Checks(**counts)) == text
    shown = str(replace(small_answer(), checks=Checks(**counts)))
    assert text in shown
    assert ("checked against" in shown) is bool(counts)


def test_notebook_form_makes_no_link_of_what_a_paper_says() -> None:
    answer = small_answer()
    told = answer.citations[0].evidence
    hostile = replace(
        told.paper, title="See [here](https://evil.example) <b>", abstract=told.paper.abstract
    )
    passage = replace(told.passage, paper=hostile)
    citation = replace(answer.citations[0], evidence=replace(told, passage=passage))
    shown = replace(answer, citations=(citation,))._repr_markdown_()
    assert "](https://evil" not in shown
    assert "https://evil" not in shown
    assert "<b>" not in shown.replace("\\<b\\>", "")
