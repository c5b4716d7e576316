"""Ask questions over paper abstracts; every sentence of an answer is checked against its source.

>>> from assistant import ask
>>> print(ask("Which papers prune networks at initialization?"))  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.app import Assistant, Outcome, Question, ask
    from assistant.errors import AssistantError
    from assistant.settings import Settings
    from assistant.types import AddReport, Answer, Citation, Evidence, Hit, Message, Paper

__version__ = "0.1.0"
_HOMES = {
    "Assistant": "app",
    "Outcome": "app",
    "Question": "app",
    "ask": "app",
    "AssistantError": "errors",
    "Settings": "settings",
    "AddReport": "types",
    "Answer": "types",
    "Citation": "types",
    "Evidence": "types",
    "Hit": "types",
    "Message": "types",
    "Paper": "types",
}
__all__ = [
    "AddReport",
    "Answer",
    "Assistant",
    "AssistantError",
    "Citation",
    "Evidence",
    "Hit",
    "Message",
    "Outcome",
    "Paper",
    "Question",
    "Settings",
    "ask",
]


def __getattr__(name: str) -> Any:
    """Import public names at their first use: `import assistant` itself loads nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'assistant' has no attribute {name!r}")
    return getattr(import_module(f"assistant.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
