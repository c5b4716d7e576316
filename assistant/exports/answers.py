"""Write an answer with what it cites: as Markdown with references, or the cited papers alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from assistant.errors import InputError
from assistant.exports import export
from assistant.exports.people import parts
from assistant.text.markdown import answer_text, inert, link
from assistant.types import Paper

ANSWER_FORMATS = ("markdown", "bibtex", "csl-json", "ris")
MOST_AUTHORS = 6


def cited(
    answer: Mapping[str, Any], find: Callable[[str], Paper | None]
) -> list[tuple[int, Paper]]:
    """Return the numbers of an answer's JSON with the papers they stand for, in their order.

    A paper that `find` doesn't know is made of what the answer says of it.

    Raises:
        InputError: it is no answer.
    """
    try:
        found: dict[int, Paper] = {}
        for citation in answer["citations"]:
            told = citation["paper"]
            known = find(told["id"])
            found.setdefault(
                int(citation["number"]),
                known
                or Paper(
                    id=str(told["id"]),
                    title=str(told["title"]),
                    abstract="",
                    year=told["year"],
                    url=str(told["url"]),
                ),
            )
        str(answer["text"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"This is no answer as 'assistant ask --json' prints it ({type(error).__name__}: "
            f"{error}); give the file as it was printed."
        ) from error
    return sorted(found.items())


def export_answer(
    answer: Mapping[str, Any],
    papers: Sequence[tuple[int, Paper]],
    kind: str,
    references: Sequence[str] = (),
) -> str:
    """Return the answer in one of `ANSWER_FORMATS`.

    `references` are those of the papers in a style, as plain text; without them a plain form.

    Raises:
        InputError: there is no such format.
    """
    if kind not in ANSWER_FORMATS:
        raise InputError(
            f"{kind}: not a format for an answer; take one of {', '.join(ANSWER_FORMATS)}."
        )
    if kind != "markdown":
        return "".join(export(_once(paper for _, paper in papers), kind))
    lines = [f"**{inert(str(answer['question']))}**", "", answer_text(str(answer["text"]))]
    if papers:
        lines += ["", "## References", ""]
    for place, (number, paper) in enumerate(papers):
        reference = inert(references[place]) if references else _reference(paper)
        lines.append(f"{number}. {' '.join(reference.split())}")
    return "\n".join(lines) + "\n"


def _once(papers: Iterable[Paper]) -> list[Paper]:
    return list({paper.id: paper for paper in papers}.values())


def _reference(paper: Paper) -> str:
    """Return `Birch, A., Oak, B. (2021). Title. Venue. Link`, of what is known."""
    names = [_short(name) for name in paper.authors[:MOST_AUTHORS]]
    names += ["et al."] * (len(paper.authors) > MOST_AUTHORS)
    about = [inert(", ".join(names))] * bool(names) + [f"({paper.year})."] * bool(paper.year)
    about.append(f"*{inert(paper.title or paper.id)}*.")
    about += [f"{inert(paper.venue)}."] * bool(paper.venue)
    about += [f"<{link(paper.link)}>"] * bool(link(paper.link))
    return " ".join(about)


def _short(name: str) -> str:
    one = parts(name)
    initials = " ".join(f"{word[0]}." for word in one.given.split() if word)
    return f"{one.family or name}, {initials}" if initials else name
