"""Follow-ups made to stand on their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.conversation import (
    as_text,
    earlier_questions,
    own_question,
    refers_back,
)
from assistant.types import Message

USER, MODEL = "user", "assistant"


def said(*turns: tuple[str, str]) -> list[Message]:
    return [Message(role=role, content=content) for role, content in turns]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "refers"),
    [
        ("What about it in fog?", True),
        ("And on ImageNet?", True),
        ("How do the authors measure that accuracy loss?", True),
        ("Why?", True),
        ("How do honeybees find home through dense fog banks?", False),
        ("Which datasets ask questions about long films?", False),
    ],
)
def test_what_refers_back(question: str, refers: bool) -> None:
    assert refers_back(question) is refers


def test_follow_up_refers_to_the_question_before_not_to_the_answer() -> None:
    history = said((USER, "How do honeybees find home in fog?"), (MODEL, "They follow hedges."))
    assert (
        earlier_questions("And without landmarks?", history) == "How do honeybees find home in fog?"
    )


def test_follow_up_of_a_follow_up_reaches_further() -> None:
    history = said((USER, "How do honeybees find home?"), (MODEL, "x"), (USER, "Why?"))
    assert earlier_questions("And in fog?", history) == "How do honeybees find home? Why?"


def test_new_subject_and_first_question_stay_alone() -> None:
    history = said((USER, "How do honeybees find home in fog?"))
    assert earlier_questions("Which datasets ask questions about long films?", history) == ""
    assert earlier_questions("Why?", []) == ""
    assert earlier_questions("Why?", said((MODEL, "Hello."))) == ""


@pytest.mark.parametrize(
    ("question", "own"),
    [
        ("Now something different: what is it called?", "what is it called?"),
        ("Thanks. A different topic: who prunes it?", "who prunes it?"),
        ("OK, leaving bees aside. Is there a film about them?", "Is there a film about them?"),
        ("Let me change the subject - who wrote it?", "who wrote it?"),
        ("Moving on, does it fly?", "does it fly?"),
    ],
)
def test_a_change_of_subject_is_no_follow_up(question: str, own: str) -> None:
    history = said((USER, "How do honeybees find home in fog?"))
    assert own_question(question) == own
    assert earlier_questions(question, history) == ""


@pytest.mark.parametrize(
    "question",
    [
        "Is there something different about it?",
        "Does it ask a different question?",
        "What is different: the loss or its weights?",
        "Which methods work on a new topic?",
        "Something different:",
        "Leaving landmarks aside, how fast is it?",
        "I have a question, how fast is it?",
        "Another question: how accurate is it there?",
        "Does it find a new topic, and how?",
        "Is it a new topic-model, or an old one?",
    ],
)
def test_what_only_sounds_like_a_change_of_subject(question: str) -> None:
    assert own_question(question) == question


@given(st.text())
def test_own_question_is_an_end_of_the_question(question: str) -> None:
    own = own_question(question)
    assert question.endswith(own)
    assert bool(own) == bool(question)


def test_history_as_text_is_short_and_one_line_a_turn() -> None:
    history = said(*[(USER, f"question\n {number}") for number in range(9)], (MODEL, "x" * 900))
    lines = as_text(history).splitlines()
    assert lines[:5] == [f"user: question {number}" for number in range(4, 9)]
    assert lines[5] == "assistant: " + "x" * 400
