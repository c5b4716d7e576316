"""A conversation as the page shows it: turns that grow while an answer streams."""

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assistant.app import Assistant
from assistant.errors import AssistantError
from assistant.types import Answer, Event, Message, StageEvent, TextEvent
from assistant.web.scope import EVERYTHING, Scope

logger = logging.getLogger(__name__)

STOPPED = "Stopped."
LONGEST_TITLE = 60
SOMETHING_WRONG = "Something went wrong; the details are in the terminal that runs this page."


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A question and what has come of it so far.

    `answer` and `problem` end a turn; until then `stage` says what is being done, and
    `reading` what the answer will rest on. `rating` is the user's: "up", "down" or none.
    """

    question: str
    text: str = ""
    stage: str = ""
    reading: str = ""
    rating: str = ""
    answer: Answer | None = None
    problem: str = ""

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return self.answer is None and not self.problem


Turns = tuple[Turn, ...]


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Turns, which papers they may read, and the turn whose question is being edited."""

    id: str = ""
    turns: Turns = ()
    scope: Scope = EVERYTHING
    editing: int | None = None

    @property
    def title(self) -> str:
        """The first question, shortened."""
        first = " ".join(self.turns[0].question.split()) if self.turns else ""
        if len(first) <= LONGEST_TITLE:
            return first
        return f"{first[:LONGEST_TITLE].rsplit(' ', 1)[0]}…"

    @property
    def is_busy(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self.turns) and self.turns[-1].is_open

    def before(self, place: int) -> "Conversation":
        """Return the conversation without the turn at `place`, from 1, and what follows it."""
        return replace(self, turns=self.turns[: max(0, place - 1)], editing=None)


def new_id() -> str:
    """Return a name that nobody can guess."""
    return secrets.token_urlsafe(12)


def converse(
    assistant: Assistant, question: str, earlier: Turns, scope: Scope = EVERYTHING
) -> Iterator[Turns]:
    """Yield the conversation with a new turn, again and again as the answer grows.

    Never raises an `Exception`: what goes wrong becomes the turn's problem.
    """
    # A browser can send half of a surrogate pair, which no tokenizer and no encoder takes.
    question = question.encode(errors="replace").decode()
    turn = Turn(question=question, stage="reading the question")
    yield (*earlier, turn)
    try:
        for event in assistant.stream(question, history(earlier), where=scope.filter()):
            turn = advanced(turn, event)
            yield (*earlier, turn)
    except AssistantError as error:
        yield (*earlier, replace(turn, stage="", problem=str(error)))
    except Exception:
        logger.exception("No answer to %r", question)
        yield (*earlier, replace(turn, stage="", problem=SOMETHING_WRONG))


def advanced(turn: Turn, event: Event) -> Turn:
    """Return the turn with what the event tells."""
    if isinstance(event, StageEvent):
        if event.name == "select":
            return replace(turn, stage=event.detail, reading=event.detail)
        return replace(turn, stage=", ".join(filter(None, [turn.reading, event.detail])))
    if isinstance(event, TextEvent):
        return replace(turn, text=turn.text + event.text)
    return replace(turn, stage="", text=event.answer.text, answer=event.answer)


def stopped(turns: Turns) -> Turns:
    """Return the conversation with its last turn ended, where it was still open."""
    if not turns or not turns[-1].is_open:
        return turns
    return (*turns[:-1], replace(turns[-1], stage="", problem=STOPPED))


def history(turns: Turns) -> list[Message]:
    """Return the answered turns as plain messages, as the assistant takes them."""
    messages = []
    for turn in turns:
        if turn.answer is not None:
            messages.append(Message(role="user", content=turn.question))
            messages.append(Message(role="assistant", content=turn.answer.text))
    return messages
