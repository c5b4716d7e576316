"""Make a follow-up stand on its own without asking a model."""

import re
from collections.abc import Sequence

from assistant.text.words import STOP_WORDS, words
from assistant.types import Message

_REFERS = re.compile(
    r"^(?:and|but|or|so|what about|how about|why|also|then)\b|"
    r"\b(?:it|its|they|them|their|this|that|these|those|he|she|the (?:same|former|latter|first|"
    r"second|other|two|paper|method|model|approach|authors?|dataset))\b",
    re.IGNORECASE,
)
SHORT = 3
MOST_TURNS = 2


def refers_back(question: str) -> bool:
    """Whether the question seems to need the turns before it."""
    content = [word for word in words(question) if word not in STOP_WORDS]
    return len(content) <= SHORT or bool(_REFERS.search(question))


def joined_question(question: str, history: Sequence[Message]) -> str:
    """Return the user's last questions and this one, where this one refers back.

    Only questions are joined: what was answered is no source of anything.
    """
    asked = [message.content for message in history if message.role == "user"]
    if not asked or not refers_back(question):
        return question
    kept = [asked[-1]]
    if refers_back(asked[-1]) and len(asked) > 1:
        kept.insert(0, asked[-2])
    return " ".join([*kept[-MOST_TURNS:], question])


def as_text(history: Sequence[Message], turns: int = 6, characters: int = 400) -> str:
    """Return the last turns as lines for a prompt, each cut to `characters`."""
    return "\n".join(
        f"{message.role}: {' '.join(message.content.split())[:characters]}"
        for message in history[-turns:]
    )
