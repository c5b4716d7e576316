"""Let the chat model at hand judge claims, in the way that suits it."""

from collections.abc import Callable, Mapping

from assistant.errors import ModelError
from assistant.grounding.judges import AdaptedJudge, Judge, WordJudge
from assistant.prompts import Prompt, load_prompt
from assistant.protocols import ChatModel

PROMPTS = ("supported_small", "supported_tuned")


def judging_prompts() -> dict[str, Prompt]:
    """Return what a judge is asked with, by name."""
    return {name: load_prompt(name) for name in PROMPTS}


def judge_by(model: ChatModel, prompts: Mapping[str, Prompt], *, forgiving: bool) -> Judge:
    """Return the judge: by the model's adapter where it has one, else by its own word.

    A forgiving one can't tell where the model fails; another raises ModelError.
    """
    adapted = model.is_adapted
    prompt = prompts["supported_tuned" if adapted else "supported_small"]

    def yes(claim: str, text: str) -> float | None:
        messages = prompt.messages(evidence=text, claim=claim)
        try:
            return (
                model.yes_probability(messages, adapted=True)
                if adapted
                else model.yes_probability(messages)
            )
        except ModelError:
            if not forgiving:
                raise
            return None

    kind: Callable[..., Judge] = AdaptedJudge if adapted else WordJudge
    return kind(yes=yes, name=f"{model.name} {prompt.version}")
