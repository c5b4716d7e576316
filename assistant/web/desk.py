"""What the page keeps and looks up; knows nothing of Gradio, and never raises."""

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from assistant.app import Assistant
from assistant.errors import AssistantError
from assistant.protocols import ConversationStore
from assistant.web import archive, feedback, render
from assistant.web.conversation import Conversation
from assistant.web.scope import Choices, choices
from assistant.web.sources import Similar

logger = logging.getLogger(__name__)

FILE = "conversations.sqlite"
MOST_SIMILAR = 5
LONGEST_QUERY = 600
Tell = Callable[[str], object]
"""Shows the user a message."""


class Desk:
    """One for the page; every call names the owner whose conversations are meant."""

    def __init__(self, assistant: Assistant, store: ConversationStore) -> None:
        """Take the assistant and where conversations are kept."""
        self.assistant = assistant
        self._store = store
        self._choices = lru_cache(maxsize=1)(self._read_choices)
        self._summaries = lru_cache(maxsize=1)(self._read_summaries)

    def head(self) -> str:
        """Return the page's head as HTML: how many papers, and what answers."""
        assistant = self.assistant
        model = render.model_name(assistant.settings)
        if assistant.chat.preparation.is_under_way:
            model = f"extractive, until {model} is ready"
        return render.header(
            render.TITLE, assistant.count(), model, has_summaries=self.has_summaries()
        )

    def has_summaries(self) -> bool:
        """Whether papers of the bundled sample are in the library."""
        return self._summaries(self.assistant.catalog.generation())

    def save(self, owner: str, conversation: Conversation, tell: Tell) -> None:
        """Keep the conversation, unless nothing was asked yet."""
        if not conversation.turns:
            return
        try:
            words = archive.words(conversation)
            self._store.save(owner, archive.stored(conversation), words)
        except AssistantError as error:
            tell(str(error))

    def open(self, owner: str, conversation_id: str, tell: Tell) -> Conversation:
        """Return the conversation, or a new one where there is none of this owner."""
        try:
            found = self._store.load(owner, conversation_id) if conversation_id else None
            return archive.restored(found) if found else Conversation()
        except AssistantError as error:
            tell(str(error))
            return Conversation()

    def titles(self, owner: str, search: str = "") -> list[tuple[str, str]]:
        """Return (title, id) of the conversations, the latest first."""
        try:
            return [(title, one) for one, title in self._store.titles(owner, search)]
        except AssistantError:
            logger.exception("conversations can't be listed")
            return []

    def delete(self, owner: str, conversation_id: str, tell: Tell) -> None:
        """Forget the conversation."""
        try:
            self._store.delete(owner, conversation_id)
        except AssistantError as error:
            tell(str(error))

    def judge(
        self,
        owner: str,
        conversation: Conversation,
        place: int,
        verdict: feedback.Verdict,
        number: int | None,
        tell: Tell,
    ) -> bool:
        """Keep a verdict on an answer or on a citation of it; return whether it is kept."""
        turns = conversation.turns
        if not (0 < place <= len(turns) and turns[place - 1].answer):
            return False
        record = feedback.record(conversation, place, verdict, number)
        about = feedback.note_about(verdict, number)
        try:
            self._store.note(owner, conversation.id, place, about, record)
        except AssistantError as error:
            tell(str(error))
            return False
        return True

    def cases(self, owner: str, tell: Tell) -> str:
        """Return the owner's feedback as evaluation cases, a JSON line each."""
        try:
            return feedback.cases(self._store.notes(owner))
        except AssistantError as error:
            tell(str(error))
            return ""

    def similar(self, paper_id: str, tell: Tell) -> Similar | None:
        """Return the papers that are most like one; None where it is gone."""
        try:
            paper = self.assistant.paper(paper_id)
            if paper is None:
                tell("This paper is no longer in the library.")
                return None
            query = f"{paper.title}. {paper.abstract}"[:LONGEST_QUERY]
            hits = self.assistant.search(query, MOST_SIMILAR + 1)
        except AssistantError as error:
            tell(str(error))
            return None
        others = [hit.paper for hit in hits if hit.paper.id != paper.id]
        return Similar(paper=paper, papers=tuple(others[:MOST_SIMILAR]))

    def choices(self) -> Choices:
        """Return what the filters offer, read anew when the library changes."""
        return self._choices(self.assistant.catalog.generation())

    def _read_choices(self, _generation: int) -> Choices:
        return choices(self.assistant.papers())

    def _read_summaries(self, _generation: int) -> bool:
        return any(paper.is_summary for paper in self.assistant.papers())


def open_desk(assistant: Assistant) -> Desk:
    """Return the desk of a page, its conversations in the home of the assistant."""
    from assistant.adapters.conversation_store import SqliteConversations

    return Desk(assistant, SqliteConversations(Path(assistant.settings.home) / FILE))
