"""Follow-ups made to stand on their own."""

import pytest

from assistant.grounding.conversation import as_text, joined_question, refers_back
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


def test_follow_up_is_joined_with_the_question_before_not_with_the_answer() -> None:
    history = said((USER, "How do honeybees find home in fog?"), (MODEL, "They follow hedges."))
    assert (
        joined_question("And without landmarks?", history)
        == "How do honeybees find home in fog? And without landmarks?"
    )


def test_follow_up_of_a_follow_up_reaches_further() -> None:
    history = said((USER, "How do honeybees find home?"), (MODEL, "x"), (USER, "Why?"))
    assert joined_question("And in fog?", history) == (
        "How do honeybees find home? Why? And in fog?"
    )


def test_new_subject_and_first_question_stay_alone() -> None:
    history = said((USER, "How do honeybees find home in fog?"))
    alone = "Which datasets ask questions about long films?"
    assert joined_question(alone, history) == alone
    assert joined_question("Why?", []) == "Why?"
    assert joined_question("Why?", said((MODEL, "Hello."))) == "Why?"


def test_history_as_text_is_short_and_one_line_a_turn() -> None:
    history = said(*[(USER, f"question\n {number}") for number in range(9)], (MODEL, "x" * 900))
    lines = as_text(history).splitlines()
    assert lines[:5] == [f"user: question {number}" for number in range(4, 9)]
    assert lines[5] == "assistant: " + "x" * 400
