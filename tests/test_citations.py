"""Numbered citations: by first appearance, on exact spans, and none invented."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.citations import CitedClaim, Composer, marked, neutral_brackets
from assistant.grounding.claims import split_claims
from assistant.grounding.evidence import number_evidence
from assistant.grounding.verifier import NO_EVIDENCE
from assistant.prompts import load_prompt
from assistant.text.sentences import split_sentences
from assistant.types import Evidence, Passage, Support
from assistant.writers import Grounds, ModelWriter, Rejected, extractive_claims
from tests.fakes import Scripted, counting
from tests.samples import HIVE, STORYLINE, TWIGNET

SURE = Support(score=1.0)
EVIDENCE = tuple(
    number_evidence(
        [
            Evidence(key=0, passage=Passage(paper=paper, start=start, end=end), score=1.0)
            for paper in (TWIGNET, HIVE, STORYLINE)
            for start, end in split_sentences(paper.abstract)[:2]
        ]
    )
)


def grounds(evidence: Sequence[Evidence] = EVIDENCE, question: str = "What?") -> Grounds:
    return Grounds(
        question=question,
        ranked=tuple(evidence),
        evidence=tuple(evidence),
        verifier=counting(),
        rarity=lambda term: 1.0,
    )


def compose(
    reply: str, pieces: int = 5, **more: Any
) -> tuple[Composer, ModelWriter, list[Rejected]]:
    """Return what a model's reply becomes when it arrives in pieces of so many characters."""
    writer = ModelWriter(Scripted(reply, pieces=pieces), load_prompt("answer_strong"), **more)
    composer, rejected = Composer(), []
    for written in writer.write(grounds()):
        if isinstance(written, Rejected):
            rejected.append(written)
        else:
            composer.add(written)
    return composer, writer, rejected


def cited(text: str, *keys: int) -> CitedClaim:
    return CitedClaim(text=text, supports=tuple((EVIDENCE[key - 1], SURE) for key in keys))


def check(composer: Composer) -> None:
    """Check what must hold of every answer."""
    numbers = [citation.number for citation in composer.citations]
    shown = [int(number) for number in re.findall(r"\[(\d+)\]", composer.text)]
    assert set(shown) == set(numbers)
    assert list(dict.fromkeys(shown)) == list(range(1, len(set(numbers)) + 1))
    for citation in composer.citations:
        claim, passage = citation.claim, citation.evidence.passage
        shown_claim = re.sub(r" ?(?:\[\d+\])+", "", composer.text[claim.start : claim.end])
        assert shown_claim in (claim.text, f"{claim.text}.")
        assert passage.paper.abstract[passage.start : passage.end] == citation.evidence.text


# --- composing ------------------------------------------------------------------------------


def test_numbers_count_by_first_appearance() -> None:
    composer = Composer()
    added = [
        composer.add(cited("It prunes.", 5)),
        composer.add(cited("Bees fly.", 2, 5)),
        composer.add(cited("It is new.", 1)),
    ]
    assert composer.text == "It prunes [1]. Bees fly [2][1]. It is new [3]."
    assert "".join(added) == composer.text
    assert [(c.number, c.evidence.key) for c in composer.citations] == [
        (1, 5),
        (2, 2),
        (1, 5),
        (3, 1),
    ]


def test_each_claim_is_an_exact_span_of_the_text() -> None:
    composer = Composer()
    for claim in (cited("It prunes.", 1), cited("Bees fly", 2, 3), cited("Is it so?", 1)):
        composer.add(claim)
    check(composer)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["It works.", "Bees fly", "Why?", "So “it is.”", "A (b) [c]…", "x"]),
            st.lists(st.integers(1, len(EVIDENCE)), min_size=1, max_size=3),
        ),
        max_size=6,
    )
)
def test_composed_answers_hold_together(parts: list[tuple[str, list[int]]]) -> None:
    composer = Composer()
    appended = [composer.add(cited(text, *keys)) for text, keys in parts]
    assert "".join(appended) == composer.text
    check(composer)


@pytest.mark.parametrize(
    ("sentence", "result"),
    [
        ("It works.", "It works [1][2]."),
        ("It works", "It works [1][2]."),
        ("Does it?", "Does it [1][2]?"),
        ("He said “no.”", "He said “no [1][2].”"),
        ("It goes on…", "It goes on [1][2]…"),
    ],
)
def test_marks_stand_before_the_end_of_the_sentence(sentence: str, result: str) -> None:
    assert marked(sentence, [1, 2]) == result
    assert marked(sentence, []) == sentence


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("as in [3]", "as in (3)"),
        ("see [1, 2–4]", "see (1, 2–4)"),
        ("an interval [0,1]", "an interval (0,1)"),
        ("a [b] c", "a [b] c"),
    ],
)
def test_brackets_of_an_abstract_cannot_pose_as_citations(text: str, result: str) -> None:
    assert neutral_brackets(text) == result


# --- a model's reply ------------------------------------------------------------------------

FIRST, BEES = EVIDENCE[1].text, EVIDENCE[3].text


def test_supported_sentences_are_cited_by_what_supports_them() -> None:
    """The model's own number is wrong; the verifier's is shown."""
    composer, writer, rejected = compose(f"{BEES[:-1]} [1].")
    assert composer.text == f"{BEES[:-1]} [1]."
    assert [citation.evidence.text for citation in composer.citations] == [BEES]
    assert rejected == []
    assert writer.unknown == []


def test_unsupported_sentence_is_rejected_with_reasons() -> None:
    composer, _, rejected = compose(f"Penguins skate on ice [1]. {BEES}")
    assert composer.text == f"{BEES[:-1]} [1]."
    assert [one.text for one in rejected] == ["Penguins skate on ice."]
    assert rejected[0].reasons


def test_half_right_sentence_loses_its_unsupported_half() -> None:
    composer, writer, rejected = compose(f"{BEES[:-1]}, and penguins skate on frozen ice.")
    assert composer.text == f"{BEES[:-1]} [1]."
    assert len(rejected) == 1
    assert (writer.checks.checked, writer.checks.kept, writer.checks.shortened) == (1, 1, 1)
    assert writer.checks.dropped == 0


def test_lenient_policy_shows_what_is_not_supported_and_marks_it() -> None:
    composer, writer, rejected = compose(f"Penguins skate on ice. {BEES}", lenient=True)
    assert composer.text == f"Penguins skate on ice [?]. {BEES[:-1]} [1]."
    assert [claim.supported for claim in composer.claims] == [False, True]
    assert [citation.claim.text for citation in composer.citations] == [BEES]
    assert (writer.checks.checked, writer.checks.kept, writer.checks.marked) == (2, 1, 1)
    assert len(rejected) == 1


def test_open_claims_wait_for_the_judge_and_keep_their_order() -> None:
    asked: list[str] = []

    def judge(claim: str, text: str) -> float | None:
        if text == NO_EVIDENCE:
            return 0.1
        asked.append(claim)
        return 0.99 if "way" in claim else 0.01

    # Half of the words are there: the counting tier is unsure.
    unsure = "Honeybees return to their hive by way of hills and seas."
    composer, _, _ = compose(f"{unsure} {FIRST}", judge=judge)
    assert asked == [unsure]
    assert [claim.text for claim in composer.claims] == [unsure, FIRST]
    assert composer.citations[0].support.tier == "chat model"


def test_the_judge_is_not_asked_about_what_is_clear() -> None:
    asked: list[str] = []
    compose(f"{BEES} Penguins skate on ice.", judge=lambda claim, _: asked.append(claim))
    assert asked == []


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    "reply",
    [
        f"{BEES[:-1]} [99]. {FIRST}",
        f"{BEES} [99] {FIRST}",
        f"{BEES}[99]\n{FIRST}",
        f"- {BEES} [99]\n- {FIRST}",
    ],
    ids=["before the full stop", "after it", "no space", "list"],
)
def test_invented_number_is_reported_however_the_reply_arrives(reply: str, pieces: int) -> None:
    composer, writer, _ = compose(reply, pieces)
    assert writer.unknown == ["99"]
    assert "99" not in composer.text


WORDS = st.sampled_from(
    [one.text for one in EVIDENCE]
    + ["[1]", "[9]", "[12, 13]", "[7-9]", "【8】", "[1", "Penguins skate.", "it is. so", "\n", "- "]
)


@given(st.lists(WORDS, max_size=10).map(" ".join).filter(str.strip), st.sampled_from([1, 4, 1000]))
def test_no_invented_number_ever_reaches_the_text(reply: str, pieces: int) -> None:
    composer, _, _ = compose(reply, pieces)
    shown = {int(number) for number in re.findall(r"\[(\d+)\]", composer.text)}
    assert shown == {citation.number for citation in composer.citations}
    assert not re.search(r"【\d", composer.text)


@given(st.lists(WORDS, max_size=8).map(" ".join).filter(str.strip), st.sampled_from([1, 2, 4]))
def test_sentences_are_the_same_however_the_reply_arrives(reply: str, pieces: int) -> None:
    """A sentence that was let out must not change, and none may be lost or said twice."""
    slow, quick = compose(reply, pieces), compose(reply, 10_000)
    assert slow[0].text == quick[0].text
    assert [one.text for one in slow[2]] == [one.text for one in quick[2]]
    assert set(slow[1].unknown) == set(quick[1].unknown)


@pytest.mark.parametrize(
    "reply",
    [
        "UNANSWERABLE",
        "UNANSWERABLE.",
        "Unanswerable",
        "**UNANSWERABLE**",
        "Answer: UNANSWERABLE",
        "UNANSWERABLE\n\nThe sentences tell of bees only.",
    ],
)
def test_declining_is_understood(reply: str) -> None:
    composer, writer, _ = compose(reply)
    assert writer.says_unanswerable
    assert composer.text == ""


def test_split_and_composed_again_gives_the_same_sentences() -> None:
    composer = Composer()
    for claim in (cited("It prunes.", 1), cited("Bees fly.", 2, 3)):
        composer.add(claim)
    assert [(c.text, c.numbers) for c in split_claims(composer.text)] == [
        ("It prunes.", (1,)),
        ("Bees fly.", (2, 3)),
    ]


# --- quoting --------------------------------------------------------------------------------


def test_extractive_claims_are_the_best_sentences_word_for_word() -> None:
    claims = extractive_claims(grounds(), 3)
    assert [claim.text for claim in claims] == [one.text for one in EVIDENCE[:3]]
    assert all(claim.supports[0][1].score == 1.0 for claim in claims)


def test_extractive_claims_do_not_repeat_themselves() -> None:
    assert [c.text for c in extractive_claims(grounds([*EVIDENCE[:1], *EVIDENCE[:2]]), 3)] == [
        EVIDENCE[0].text,
        EVIDENCE[1].text,
    ]
    assert extractive_claims(grounds([]), 3) == []


def test_evidence_is_listed_by_number_for_the_model() -> None:
    two = [EVIDENCE[0], EVIDENCE[2]]
    assert grounds(two).as_prompt(titles=False) == (
        "[1] Large networks are costly to store.\n"
        "[3] Honeybees return to their hive over several kilometres."
    )
    assert grounds(two).as_prompt(titles=True) == (
        "From “TwigNet: Pruning Before the First Step”:\n"
        "[1] Large networks are costly to store.\n"
        "From “How Honeybees Find Home in Fog”:\n"
        "[3] Honeybees return to their hive over several kilometres."
    )
