"""This project's assistant, through the same protocol."""

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.app import Assistant
from assistant.types import Answer, Paper


class Ours:
    """The assistant as it stands."""

    name = "ours"

    def __init__(self, assistant: Assistant) -> None:
        """Take an open assistant."""
        self._assistant = assistant

    @property
    def settings(self) -> Mapping[str, Any]:
        """Nothing beyond the assistant's own."""
        return {}

    def add(self, papers: Sequence[Paper]) -> None:
        """Add what its library lacks of them."""
        self._assistant.add_papers(papers)

    def ask(self, question: str) -> Answer:
        """Answer, as `assistant ask` does."""
        return self._assistant.ask(question)

    def close(self) -> None:
        """Leave the assistant to whoever opened it."""
