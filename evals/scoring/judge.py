"""A chat model that says whether an answer states the reference; asked only where one is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import ModelError
from assistant.prompts import Prompt, parse_prompt
from assistant.protocols import ChatModel
from assistant.settings import Settings
from evals.questions import Question
from evals.scoring.base import Answer, Score, abstained, shown_text, unscored

PROMPT = Path(__file__).with_name("judge.md")
MOST_TOKENS = 5
_WORD = re.compile(r"[a-z]+")

Verdict = Mapping[str, Any]
"""What was found, by whom: `states` (None where nothing could be read), `model`, `prompt`,
`reference` and `reply`."""


@dataclass(frozen=True, kw_only=True)
class ReferenceJudge:
    """Asks a model, at temperature 0."""

    model: ChatModel
    prompt: Prompt

    def verdict(self, question: Question, answer: Answer | None) -> Verdict | None:
        """Return what the model says; None where there is nothing to compare.

        Of an abstention it isn't asked: that states nothing.
        """
        if answer is None or not _is_due(question):
            return None
        reply, states = ("abstained", False) if abstained(answer) else self._ask(question, answer)
        return {
            "states": states,
            "model": self.model.name,
            "prompt": self.prompt.version,
            "reference": question.reference,
            "reply": reply,
        }

    def _ask(self, question: Question, answer: Answer) -> tuple[str, bool | None]:
        """Return the reply, or the error, and what it means; None where that can't be told."""
        messages = self.prompt.messages(
            question=question.question, reference=question.reference, answer=shown_text(answer)
        )
        try:
            reply = "".join(self.model.stream(messages, MOST_TOKENS)).strip()
        except ModelError as error:
            return str(error), None
        return reply, _yes_or_no(reply)

    def has_given(self, verdict: Verdict | None, question: Question) -> bool:
        """Whether the verdict is this judge's, by the question's present reference."""
        return (
            verdict is not None
            and verdict["states"] is not None
            and (
                verdict["model"],
                verdict["prompt"],
                verdict["reference"],
            )
            == (self.model.name, self.prompt.version, question.reference)
        )


def open_judge(model: str, settings: Settings) -> ReferenceJudge:
    """Return the judge of this name at the address and with the key of the settings.

    Raises:
        ModelError: there is neither an address nor a key.
    """
    from assistant.adapters.openai_chat import OpenAIChat

    if not settings.openai_api_key and not settings.openai_base_url:
        raise ModelError(
            f"The judge {model} can't be asked; set OPENAI_API_KEY or OPENAI_BASE_URL in .env."
        )
    chat = OpenAIChat(
        model=model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        timeout=settings.answer_timeout,
    )
    return ReferenceJudge(model=chat, prompt=judge_prompt())


def judge_prompt() -> Prompt:
    """Return the judge's prompt."""
    return parse_prompt(PROMPT.stem, PROMPT.read_text(encoding="utf-8"))


def judged(question: Question, verdict: Verdict | None) -> Score:
    """Return whether the answer states the reference, as a judge found."""
    if not _is_due(question):
        return unscored("no reference answer")
    if verdict is None or verdict["reference"] != question.reference:
        return unscored("no judge was asked")
    states = verdict["states"]
    return Score(
        value=None if states is None else float(states),
        reason=f"{verdict['model']}: {verdict['reply']}",
    )


def _is_due(question: Question) -> bool:
    """Whether there is a reference answer; of unanswerable questions it only says what lacks."""
    return question.answerable and bool(question.reference)


def _yes_or_no(reply: str) -> bool | None:
    first = _WORD.search(reply.lower())
    return {"yes": True, "no": False}.get(first.group()) if first else None
