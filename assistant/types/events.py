"""What an answer tells while it grows."""

from dataclasses import dataclass

from assistant.types.answers import Answer


@dataclass(frozen=True, kw_only=True)
class StageEvent:
    """What is being done now, in words for the user."""

    name: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class TextEvent:
    """A verified piece of the answer's text, to be appended."""

    text: str


@dataclass(frozen=True, kw_only=True)
class AnswerEvent:
    """The whole answer; always the last event."""

    answer: Answer


Event = StageEvent | TextEvent | AnswerEvent
