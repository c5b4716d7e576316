"""One paper whole, as HTML."""

from collections.abc import Sequence

from assistant.text.html import escape, safe_link
from assistant.types import Paper
from assistant.web.sources import THIS_IS_A_SUMMARY

NOTHING_OPEN = "Click a title, or a dot of the map: the paper opens here."
GONE = "This paper is no longer in the library."


def paper_html(paper: Paper | None, sources: Sequence[str] = ()) -> str:
    """Return the paper's record and abstract; of None, that it is gone."""
    if paper is None:
        return f'<p class="empty">{escape(GONE)}</p>'
    title, link = escape(paper.title or paper.id), escape(safe_link(paper.link))
    if link:
        title = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{title}</a>'
    about = (", ".join(paper.authors), str(paper.year or ""), paper.venue)
    facts = " · ".join(escape(one) for one in about if one)
    topics = "".join(f"<li>{escape(topic)}</li>" for topic in paper.topics)
    note = f'<p class="summary-note">{escape(THIS_IS_A_SUMMARY)}</p>' if paper.is_summary else ""
    return (
        f'<article class="paper" tabindex="-1"><h2>{title}</h2>'
        + (f'<p class="about">{facts}</p>' if facts else "")
        + f'<p class="abstract">{escape(paper.abstract) or "It has no abstract."}</p>{note}'
        + (f'<ul class="topics">{topics}</ul>' if topics else "")
        + f'<p class="about">From {escape(", ".join(sources) or paper.source)}'
        f" · id {escape(paper.id)}</p>"
        '<a class="up" href="#library">Back to the library</a></article>'
    )
