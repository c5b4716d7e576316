"""What an answer took: seconds to its first words, and the tokens that models reported."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from assistant.types import AnswerEvent, Event, TextEvent

FIRST_TEXT = "first_text"


def metered(events: Iterator[Event], tokens: Mapping[str, int]) -> Iterator[Event]:
    """Yield the events, the answer with `seconds["first_text"]` and its trace with `tokens`.

    `tokens` is read when the answer is there: models count in it meanwhile.
    """
    began = time.perf_counter()
    first: dict[str, float] = {}
    for event in events:
        if isinstance(event, TextEvent):
            first.setdefault(FIRST_TEXT, time.perf_counter() - began)
        if isinstance(event, AnswerEvent):
            answer = event.answer
            trace = replace(answer.trace, tokens=dict(tokens))
            yield AnswerEvent(
                answer=replace(answer, seconds={**answer.seconds, **first}, trace=trace)
            )
        else:
            yield event
