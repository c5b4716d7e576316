"""The papers that questions are asked of: their parts, and what is done with them."""

from assistant.library.library import Library

__all__ = ["Library"]
