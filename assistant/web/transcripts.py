"""A conversation as a file: Markdown to read, JSON to go on working with."""

import json
import re

from assistant.types import Answer
from assistant.web.conversation import Conversation, Turn


def as_markdown(conversation: Conversation) -> str:
    """Return questions, answers and their sources; text of others can make no markup."""
    parts = [f"# {_inert(conversation.title)}"]
    if str(conversation.scope):
        parts.append(f"*Only {_inert(str(conversation.scope))}.*")
    for turn in conversation.turns:
        parts.append(f"## {_inert(' '.join(turn.question.split()))}")
        parts += _turn(turn)
    return "\n\n".join(parts) + "\n"


def as_json(conversation: Conversation) -> str:
    """Return every question with its answer in the form of `Answer.to_dict`."""
    turns = [
        {
            "question": turn.question,
            "answer": turn.answer and turn.answer.to_dict(),
            "problem": turn.problem,
            "rating": turn.rating,
        }
        for turn in conversation.turns
    ]
    scope = {name: value for name, value in vars(conversation.scope).items() if value}
    content = {"title": conversation.title, "filters": scope, "turns": turns}
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _turn(turn: Turn) -> list[str]:
    if turn.answer is None:
        return [f"*{_inert(turn.problem or 'No answer.')}*"]
    notes = [f"*Note: {_inert(notice)}*" for notice in turn.answer.notices]
    return [_text(turn.answer), *_sources(turn.answer), *notes]


def _text(answer: Answer) -> str:
    """Return the answer; its tables stay tables, its marks stay marks."""
    lines = []
    for line in answer.text.splitlines():
        keep = "|\\" if line.startswith("|") else ""
        parts = re.split(r"(\[[0-9]+\])", line)
        # A mark and a colon would define a link.
        lines.append(
            "".join(
                part if place % 2 else re.sub("^:", r"\:", _inert(part, keep=keep))
                for place, part in enumerate(parts)
            )
        )
    return "\n".join(lines)


def _sources(answer: Answer) -> list[str]:
    lines = []
    for number, citation in answer.sources().items():
        paper = citation.evidence.paper
        about = ", ".join(filter(None, [", ".join(paper.authors), str(paper.year or "")]))
        about = f" ({about})" if about else ""
        link = f" <{paper.link}>" if re.fullmatch(r"https?://[^\s<>]+", paper.link) else ""
        lines.append(
            f"{number}. **{_inert(paper.title or paper.id)}**{_inert(about, keep='()')}{link}  \n"
            f"   “{_inert(citation.evidence.text)}”"
        )
    return ["\n".join(lines)] if lines else []


def _inert(text: str, keep: str = "") -> str:
    """Return the text so that Markdown shows its characters and makes nothing of them."""
    marks = "".join(mark for mark in r"\`*_[]()<>#!|$&" if mark not in keep)
    return re.sub(f"([{re.escape(marks)}])", r"\\\1", text).replace("://", ":&#47;/")
