"""How the page looks: theme, style, script and icon; imports Gradio, so import it late."""

from importlib.resources import files
from typing import Any
from urllib.parse import quote

import gradio as gr

_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica", "sans-serif")
_FIXED_FONTS = ("ui-monospace", "Menlo", "Consolas", "monospace")
_FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#4f46e5"/>'
    '<text x="16" y="22" font-family="sans-serif" font-size="16" font-weight="700" '
    'text-anchor="middle" fill="#fff">[1]</text></svg>'
)


def look() -> dict[str, Any]:
    """Return theme, style and script, as Gradio takes them when a page is served."""
    icon = f'<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,{quote(_FAVICON)}">'
    return {
        "theme": gr.themes.Base(
            primary_hue="indigo",
            neutral_hue="slate",
            font=[gr.themes.Font(name) for name in _SYSTEM_FONTS],
            font_mono=[gr.themes.Font(name) for name in _FIXED_FONTS],
        ).set(  # Gradio's own are a shade too light to be read (WCAG AA).
            button_primary_background_fill="*primary_600",
            button_primary_background_fill_dark="*primary_600",
            button_primary_background_fill_hover="*primary_700",
            button_primary_background_fill_hover_dark="*primary_700",
        ),
        # Not as `css`, whose selectors Gradio rewrites.
        "head": f"{icon}<style>{_packaged('style.css')}{_packaged('library.css')}</style>"
        f"<script>{_packaged('page.js')}</script>",
    }


def _packaged(name: str) -> str:
    return files("assistant.web").joinpath(name).read_text(encoding="utf-8")
