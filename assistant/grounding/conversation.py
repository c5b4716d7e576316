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
# Nothing but such words may stand before: "Does it find a new topic, and how?" changes nothing.
_NEW_SUBJECT = re.compile(
    r"^\W*(?:(?:ok|okay|well|good|great|fine|thanks|thank you|right|alright|so|now|and|but|let me|"
    r"let's|let us|i want to|i'd like to|please|on|to|for|talk about|ask about|here is|here's)\W+)*"
    r"(?:something (?:(?:quite|completely|entirely|totally) )?different|"
    r"(?:another|(?:a )?(?:new|different)) (?:topic|subject)|(?:a )?different question|"
    r"(?:leav|putt|sett)ing\b[^.:;?!]{1,60}?\baside(?=\s*[.;!])|"
    r"chang(?:e|ing) (?:of |the )?(?:topic|subject)s?|moving on)"
    r"(?: now| then| please)?\s*(?:[.:;,!—–]|\s-)\s*(?=\S)",
    re.IGNORECASE,
)
SHORT = 3
MOST_TURNS = 2


def refers_back(question: str) -> bool:
    """Whether the question seems to need the turns before it."""
    content = [word for word in words(question) if word not in STOP_WORDS]
    return len(content) <= SHORT or bool(_REFERS.search(question))


def own_question(question: str) -> str:
    """Return the question without a beginning that only says that the subject is another one.

    "Fine. Now something different: what is TwigNet?" is "what is TwigNet?".
    """
    return _NEW_SUBJECT.sub("", question)


def earlier_questions(question: str, history: Sequence[Message]) -> str:
    """Return the user's last questions, where this one refers back to them, else nothing.

    Only questions: what was answered is no source of anything. Where the user says that the
    subject is another one, nothing is referred to.
    """
    asked = [message.content for message in history if message.role == "user"]
    if not asked or not refers_back(question) or own_question(question) != question:
        return ""
    kept = [asked[-1]]
    if refers_back(asked[-1]) and len(asked) > 1:
        kept.insert(0, asked[-2])
    return " ".join(kept[-MOST_TURNS:])


def as_text(history: Sequence[Message], turns: int = 6, characters: int = 400) -> str:
    """Return the last turns as lines for a prompt, each cut to `characters`."""
    return "\n".join(
        f"{message.role}: {' '.join(message.content.split())[:characters]}"
        for message in history[-turns:]
    )
