"""A chat model as a reranker: its probability of yes, a paper at a time."""

from collections.abc import Callable, Sequence

from assistant.errors import ModelError
from assistant.grounding.hostile import harmless
from assistant.prompts import Prompt
from assistant.protocols import ChatModel
from assistant.types import Paper

MOST_WORDS = 250


class ChatReranker:
    """Asks a model whether each paper is relevant; about a second a paper for the local one."""

    def __init__(self, model: Callable[[], ChatModel | None], prompt: Prompt) -> None:
        """Take what gives the model, which is loaded at the first use."""
        self._model = model
        self._prompt = prompt

    def judge(self, query: str, papers: Sequence[Paper]) -> list[float] | None:
        """Return each paper's probability of being relevant; None where no model can tell."""
        model = self._model()
        if model is None:
            return None
        found = []
        for paper in papers:
            abstract = " ".join(harmless(paper.abstract).split()[:MOST_WORDS])
            messages = self._prompt.messages(
                title=harmless(paper.title), abstract=abstract, question=query
            )
            try:
                chance = model.yes_probability(messages)
            except ModelError:
                return None
            if chance is None:
                return None
            found.append(chance)
        return found
