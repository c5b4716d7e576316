"""The chat page: a conversation at the left, the sources of its answers at the right."""

import os
from typing import TYPE_CHECKING

from assistant.web.server import PageServer, serve

if TYPE_CHECKING:
    import gradio as gr

    from assistant.app import Assistant

__all__ = ["PageServer", "build_page", "serve"]

# Before Gradio's first import, which `page` makes: its analytics would call two hosts.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def build_page(assistant: "Assistant") -> "gr.Blocks":
    """Return the page as Gradio blocks; `serve` also gives it its style and script."""
    from assistant.web.page import page

    return page(assistant)
