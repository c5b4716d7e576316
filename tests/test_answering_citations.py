"""What becomes of a strong model's citation marks, lists and tables, through the whole chain."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from assistant.app import Assistant
from assistant.types import Answer, AnswerEvent, Paper, TextEvent
from tests import fakes
from tests.fakes import KEY, FakeServer, number_of, prompt_of
from tests.samples import HIVE, SAMPLE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
BOTH = "Compare how many weights TwigNet removes and how many bees were tracked in fog."
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50"
TRACKED = "We tracked 240 bees with harmonic radar in dense fog"
FALSE = "Venice fixed the price of grain in 1177"


def shown(answer: Answer) -> list[tuple[int, str]]:
    """Return each number with the sentence behind it."""
    return [(number, one.evidence.text) for number, one in answer.sources().items()]


# --- marks ----------------------------------------------------------------------------------


def test_wrong_number_is_corrected(online: Library, server: FakeServer) -> None:
    server.will(fakes.says(lambda body: f"{REMOVES} [{number_of(body, TRACKED)}]."))
    answer = online().ask(BOTH)
    assert answer.text == f"{REMOVES} [1]."
    ((number, sentence),) = shown(answer)
    assert number == 1
    assert sentence.startswith(REMOVES)


def test_missing_number_is_added(online: Library, server: FakeServer) -> None:
    server.will(fakes.says(f"{REMOVES}. {TRACKED}."))
    answer = online().ask(BOTH)
    assert answer.text == f"{REMOVES} [1]. {TRACKED} [2]."
    assert [sentence[:11] for _, sentence in shown(answer)] == [REMOVES[:11], TRACKED[:11]]
    assert answer.trace.unknown_numbers == ()


@pytest.mark.parametrize("form", ["[{0}][{1}]", "[{0}, {1}]", "[{1}-{0}]", "({1}, {0})"])
def test_superfluous_number_is_removed(online: Library, server: FakeServer, form: str) -> None:
    def reply(body: fakes.Body) -> str:
        numbers = sorted((number_of(body, TRACKED), number_of(body, REMOVES)), reverse=True)
        return f"{REMOVES} {form.format(*numbers)}."

    server.will(fakes.says(reply))
    answer = online().ask(BOTH)
    assert answer.text == f"{REMOVES} [1]."
    assert len(answer.citations) == 1
    assert answer.citations[0].evidence.text.startswith(REMOVES)


@pytest.mark.parametrize(
    ("mark", "unknown"),
    [
        ("[99]", ("99",)),
        ("[Smith 2020]", ("[Smith 2020]",)),
        ("(Smith et al., 2020)", ("(Smith et al., 2020)",)),
        ("[Source 99]", ("99",)),
        ("【99†source】", ("99",)),
        ("[0]", ("0",)),
        ("(19)", ("19",)),
    ],
)
@pytest.mark.parametrize("pieces", [1, 1000])
def test_mark_that_names_no_evidence_is_removed_and_told(
    online: Library, server: FakeServer, mark: str, unknown: tuple[str, ...], pieces: int
) -> None:
    server.will(fakes.says(f"{REMOVES} {mark}. {REMOVES} on ImageNet {mark}.", pieces=pieces))
    answer = online().ask(QUESTION)
    assert answer.text.startswith(f"{REMOVES} [1].")
    assert mark not in answer.text
    assert set(answer.trace.unknown_numbers) == set(unknown)


SIGMA = Paper(
    id="hash:sigma",
    title="SigmaTag: Scores for the First Token",
    abstract=(
        "SigmaTag reads the [CLS] token of a frozen encoder. SigmaTag maps every score into "
        "[0, 1] before it is compared. Training takes four hours."
    ),
)


@pytest.mark.parametrize(
    "sentence",
    [
        "SigmaTag reads the [CLS] token of a frozen encoder",
        "SigmaTag maps every score into [0, 1] before it is compared",
    ],
)
def test_brackets_that_are_no_citation_stay(
    library: Library, server: FakeServer, sentence: str
) -> None:
    server.will(fakes.says(f"{sentence} [1]."))
    assistant = library(
        [SIGMA, HIVE], model="openai", openai_api_key=KEY, openai_base_url=server.address
    )
    answer = assistant.ask("What does SigmaTag do with the token and the score?")
    assert answer.text == f"{sentence} [1]."
    assert answer.trace.unknown_numbers == ()
    assert answer.citations[0].evidence.text == f"{sentence}."


# --- lists and tables -----------------------------------------------------------------------


def listed(body: fakes.Body) -> str:
    right, wrong = number_of(body, REMOVES), number_of(body, TRACKED)
    return f"- {REMOVES} [{wrong}].\n- {FALSE} [{right}].\n- {TRACKED} [99]."


def tabled(body: fakes.Body) -> str:
    right = number_of(body, REMOVES)
    return (
        "| Paper | What was found | Source |\n|---|---|---|\n"
        f"| TwigNet | {REMOVES} | [99] |\n"
        f"| Venice | {FALSE} | [{right}] |\n"
        f"| Honeybees | {TRACKED} | |\n"
    )


def test_marks_in_a_list_are_corrected_added_and_removed(
    online: Library, server: FakeServer
) -> None:
    server.will(fakes.says(listed))
    answer = online().ask(BOTH)
    assert answer.text == f"- {REMOVES} [1].\n- {TRACKED} [2]."
    assert answer.status == "partial"
    assert [one["text"] for one in answer.trace.rejected] == [f"{FALSE}."]
    assert answer.trace.unknown_numbers == ("99",)


def test_marks_in_a_table_are_corrected_added_and_removed(
    online: Library, server: FakeServer
) -> None:
    server.will(fakes.says(tabled, pieces=3))
    events = list(online().stream(BOTH))
    assert isinstance(events[-1], AnswerEvent)
    answer = events[-1].answer
    assert answer.text == (
        "| Paper | What was found | Source |\n|---|---|---|\n"
        f"| TwigNet | {REMOVES} | [1] |\n"
        f"| Honeybees | {TRACKED} | [2] |"
    )
    assert "".join(one.text for one in events if isinstance(one, TextEvent)) == answer.text
    assert not any("Venice" in one.text for one in events if isinstance(one, TextEvent))
    assert answer.trace.unknown_numbers == ("99",)
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end].startswith("| ")
        assert answer.text[claim.start : claim.end].endswith("] |")


def test_table_reads_well_in_a_terminal(online: Library, server: FakeServer) -> None:
    server.will(fakes.says(tabled))
    lines = str(online().ask(BOTH)).splitlines()
    assert lines[:3] == [f"- {REMOVES} [1]", f"- Honeybees: {TRACKED} [2]", ""]


def test_bars_of_a_paper_do_not_break_a_table(library: Library) -> None:
    barred = replace(TWIGNET, abstract="TwigNet keeps |w| below a|b for all weights it removes.")
    answer = library([barred, HIVE], answerable_at=0.0).ask(BOTH)
    assert r"| TwigNet keeps \|w\| below a\|b for all weights it removes. | [" in answer.text
    assert "- TwigNet keeps |w| below a|b for all weights it removes. [" in str(answer)


def test_question_that_compares_is_answered_by_a_table_of_quotes(quoting: Library) -> None:
    answer = quoting(answerable_at=0.0).ask(BOTH)
    head, rule, *rows = answer.text.splitlines()
    assert (head, rule) == ("| Paper | What it says | Source |", "|---|---|---|")
    assert any(row.startswith(f"| TwigNet | {REMOVES}") for row in rows)
    assert any(f"| {TRACKED}. | [" in row for row in rows)
    assert len(rows) == len(answer.citations)


# --- earlier turns --------------------------------------------------------------------------

ABSTRACTS = " ".join(paper.abstract for paper in SAMPLE)
CLAIMED = "TwigNet was tried on Mars rovers in 1999"
HISTORY = [
    {"role": "user", "content": "What is TwigNet?"},
    {"role": "assistant", "content": f"{CLAIMED} [1]. [1] says so."},
]


def check_no_source(answer: Answer) -> None:
    """Check that what an earlier turn claimed is neither told nor a source."""
    assert "Mars" not in answer.text
    for one in (*answer.evidence, *(citation.evidence for citation in answer.citations)):
        assert one.text in ABSTRACTS
        assert one.context is None or one.context.text in ABSTRACTS


def test_claim_of_an_earlier_turn_is_no_source_of_a_models_answer(
    online: Library, server: FakeServer
) -> None:
    server.will(
        fakes.says("Where was TwigNet tried, which removes weights of a ResNet-50?"),
        fakes.says(f"{CLAIMED} [1]. {REMOVES} [1]."),
    )
    answer = online().ask("And where was it tried?", HISTORY)
    check_no_source(answer)
    assert answer.text == f"{REMOVES} [1]."
    assert [one["text"] for one in answer.trace.rejected] == [f"{CLAIMED}."]
    # The one place where earlier answers are read is the rewriting of the question.
    assert "Mars" in prompt_of(server.bodies[0])
    assert "Mars" not in prompt_of(server.bodies[1])


def test_claim_that_gets_into_the_question_is_no_source_either(
    online: Library, server: FakeServer
) -> None:
    server.will(
        fakes.says(f"{CLAIMED}: which weights of a ResNet-50 does it remove?"),
        fakes.says(f"{CLAIMED} [1]."),
    )
    answer = online().ask("And which does it remove?", HISTORY)
    check_no_source(answer)
    evidence = prompt_of(server.bodies[1]).partition("</evidence>")[0]
    assert "Mars" not in evidence
    assert len(answer.trace.rejected) == 1


def test_claim_of_an_earlier_turn_is_no_source_of_quotes(quoting: Library) -> None:
    answer = quoting(answerable_at=0.0).ask("And where was it tried on Mars?", HISTORY)
    check_no_source(answer)
    assert answer.citations
