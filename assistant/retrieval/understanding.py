"""What a query says besides its words: fields, quoted phrases, identifiers. No model call."""

import re
from dataclasses import dataclass

from assistant.errors import FilterError
from assistant.filters import And, Filter, parse_filter
from assistant.filters.tree import words
from assistant.identity import normal_arxiv_id, normal_doi
from assistant.text.cleaning import title_key
from assistant.types import Paper

_FIELD = re.compile(
    r"""(?<![\w-])-?(?:
        (?:author|venue|topic|source|title|id):(?:"[^"]+"|[^\s"()?,;]+)
        |year\s?(?::|>=|<=|=|>|<)\s?(?:>=|<=|>|<)?\d{4}(?:\.\.\d{0,4})?
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED = re.compile(r'"([^"]{2,300})"|“([^”]{2,300})”')
_ARXIV = re.compile(r"(?<![\w./])\d{4}\.\d{4,5}(?:v\d+)?(?![\w])")
_PMID = re.compile(r"\bpmid:?\s*(\d{1,9})\b", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A query taken apart.

    `text` is what is to be ranked by, `only` the filter that its fields make, `keys` the
    catalog's keys of papers that it names by identifier or whole title, `phrases` what was
    quoted and is no field's value; `is_quoted` says that nothing else was asked.
    """

    text: str
    only: Filter | None = None
    keys: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    is_quoted: bool = False


def understand(query: str) -> Understood:
    """Take a query apart; a field that can't be read stays part of the text."""
    parts: list[Filter] = []

    def take(match: re.Match[str]) -> str:
        try:
            parts.append(parse_filter(match.group()))
        except FilterError:
            return match.group()
        return " "

    rest = _FIELD.sub(take, query)
    quoted = [one or other for one, other in _QUOTED.findall(rest)]
    text = _SPACES.sub(" ", _QUOTED.sub(lambda match: f" {match[1] or match[2]} ", rest)).strip()
    only = None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))
    return Understood(
        text=text,
        only=only,
        keys=_keys(rest, [text, *quoted]),
        phrases=tuple(phrase for phrase in quoted if words(phrase)),
        is_quoted=not words(_QUOTED.sub(" ", rest)),
    )


def _keys(text: str, titles: list[str]) -> tuple[str, ...]:
    """Return the catalog's keys of what the text names: DOI, arXiv id, PMID, whole titles."""
    found = []
    if doi := normal_doi(text):
        found.append(f"doi:{doi}")
    if arxiv := normal_arxiv_id(text):
        found.append(f"arxiv:{arxiv}")
    found += [f"arxiv:{normal_arxiv_id(one)}" for one in _ARXIV.findall(text)]
    found += [f"pmid:{number}" for number in _PMID.findall(text)]
    found += [f"title:{key}" for title in titles if (key := title_key(title))]
    return tuple(dict.fromkeys(found))


def has_phrases(paper: Paper, phrases: tuple[str, ...]) -> bool:
    """Whether title or abstract has every phrase, whatever its case and punctuation."""
    text = f" {' '.join(words(paper.title))} | {' '.join(words(paper.abstract))} "
    return all(f" {' '.join(words(phrase))} " in text for phrase in phrases)
