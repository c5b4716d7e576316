"""The HTTP service: OpenAI-compatible and plain endpoints, in one process with the chat page."""

from assistant.http.server import serve

__all__ = ["serve"]
