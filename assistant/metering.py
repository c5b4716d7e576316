"""What an answer took: seconds to its first words, and the tokens that models reported."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from assistant.pricing import usd
from assistant.types import AnswerEvent, Event, TextEvent

FIRST_TEXT = "first_text"


def metered(events: Iterator[Event], tokens: Mapping[str, int], model: str = "") -> Iterator[Event]:
    """Yield the events, the answer with `seconds["first_text"]` and its trace with `tokens`.

    `tokens` is read when the answer is there: models count in it meanwhile. `model` names the
    one that they are paid for, which isn't the answer's where it failed.
    """
    began = time.perf_counter()
    first: dict[str, float] = {}
    for event in events:
        if isinstance(event, TextEvent):
            first.setdefault(FIRST_TEXT, time.perf_counter() - began)
        if isinstance(event, AnswerEvent):
            answer = event.answer
            trace = replace(answer.trace, tokens=dict(tokens), paid=model, usd=usd(model, tokens))
            yield AnswerEvent(
                answer=replace(answer, seconds={**answer.seconds, **first}, trace=trace)
            )
        else:
            yield event
