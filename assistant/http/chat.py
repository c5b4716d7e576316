"""Between the messages of the OpenAI API and questions and answers; no input, no output."""

from collections.abc import Sequence
from typing import Any

from assistant.errors import QuestionError
from assistant.http.openai_schemas import AnswerSummary, ChatMessage, Usage
from assistant.types import Answer, Message
from assistant.types.notebook import sources_as_markdown

MODEL = "abstract-assistant"
# Sets the sources off from the text, and off again where a client sends the answer back.
SOURCES = "\n\n**Sources**\n\n"


def conversation(messages: Sequence[ChatMessage]) -> tuple[str, list[Message]]:
    """Return the question and the turns before it.

    What a client tells the model (system, developer, tool) is left out: answers come from the
    papers, whatever it says.

    Raises:
        QuestionError: the last message isn't a user's with text.
    """
    last = messages[-1]
    if last.role != "user" or not _text(last).strip():
        raise QuestionError(
            "The last message must be the user's, with text; put the question there."
        )
    turns = []
    for message in messages[:-1]:
        text = _text(message).partition(SOURCES)[0]
        if message.role == "user" and text:
            turns.append(Message(role="user", content=text))
        elif message.role == "assistant" and text:
            turns.append(Message(role="assistant", content=text))
    return _text(last), turns


def content(answer: Answer) -> str:
    """Return the text with its numbers, then what stands behind each, as Markdown."""
    return answer.text + sources(answer)


def sources(answer: Answer) -> str:
    """Return what stands below the text: sources, checks and notices; or an empty string."""
    below = sources_as_markdown(answer).strip("\n")
    return SOURCES + below if answer.citations else f"\n\n{below}" if below else ""


def usage(answer: Answer) -> Usage:
    """Return the tokens that the chat model reported."""
    prompt = answer.trace.tokens.get("prompt", 0)
    completion = answer.trace.tokens.get("completion", 0)
    return Usage(
        prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
    )


def extension(answer: Answer) -> dict[str, Any]:
    """Return what is told of an answer beyond the OpenAI API."""
    told = answer.to_dict()
    names = ("status", "text", "confidence", "claims", "nearest", "checks", "notices", "seconds")
    summary = {name: told[name] for name in names}
    summary["written_by"] = answer.model
    return {
        "citations": told["citations"],
        "answer": AnswerSummary.model_validate(summary).model_dump(),
    }


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content or ())
