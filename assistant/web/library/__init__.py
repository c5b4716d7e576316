"""The Library tab: what is in the library, what goes in and out, and a map of it.

`shelf`, `view` and `facets` say which papers are shown; `table`, `paper` and `figure` how;
`adding`, `removing` in `tab` and `exporting` do what the buttons say; `atlas` keeps the map.
Only `tab` imports Gradio.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.app import Assistant

__all__ = ["library_tab"]


def library_tab(assistant: "Assistant", talk: Any, tab: Any) -> Any:
    """Fill the `gr.Tab` that is open now; return a state that changes whenever the papers do.

    `talk` is the state that holds the conversation, `tab` the tab itself.
    """
    from assistant.web.library.tab import build

    return build(assistant, talk, tab)
