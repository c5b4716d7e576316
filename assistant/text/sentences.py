"""Split an abstract into sentences, as spans of the text."""

import re

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|cf|vs|viz|w\.r\.t|resp|approx|ca|no|nos|fig|figs|eq|eqs|sec|"
    r"ref|refs|tab|vol|ed|eds|dr|prof|mr|mrs|ms|st|jr|sr|inc|ltd|co|dept|univ|a\.k\.a|i\.i\.d|"
    r"sp|spp|subsp|var|min|max|avg|std|dev)|(?<![\w-])(?-i:[A-Z])|\b(?:[A-Za-z]\.){1,3}[A-Za-z])$",
    re.IGNORECASE,
)
# These may end a sentence as well: the next word decides.
_EITHER = re.compile(r"\b(?:etc|et al|(?<!-)[A-Z]|(?:[A-Z]\.)+[A-Z]|co|inc|no)$")
_STARTER = re.compile(
    r"(?:We|Our|In|The|This|These|Those|It|Its|To|For|By|However|Moreover|Furthermore|Finally|"
    r"A|An|As|At|On|Results?|Here|Thus|Then|There|While|When|With|From|Using|Most|Many|Such|"
    r"Extensive|Experiments|Additionally|Specifically|Although|Both|Recent|Code|Despite)\b"
)
_OPENER = re.compile(r"[\"'“‘(\[]*(?:[A-Z0-9À-ÞΑ-ΩА-Я\u3040-\u9fff]|[a-z]+[A-Z0-9])")


def split_sentences(text: str, *, lower_case: bool | None = None) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence of `text`, in order, without outer spaces.

    `text[start:end]` is the sentence. Abbreviations, initials and decimals do not end one;
    text whose sentences begin in lower case throughout (old collections) is split as well,
    unless `lower_case` says whether it is such text.
    """
    if lower_case is None:
        lower_case = not re.search(r"[.!?]\s+[A-Z]", text)
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if not _ends_sentence(text, match, lower_case):
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def _ends_sentence(text: str, match: re.Match[str], lower_case: bool) -> bool:
    rest = text[match.end() :].lstrip()
    if not rest:
        return True
    before = text[max(0, match.start() - 12) : match.start()]
    if match.group().startswith(".") and _ABBREVIATION.search(before):
        return bool(_EITHER.search(before) and _STARTER.match(rest))
    if before.endswith(" "):
        # "levels . significant": old collections put a space before the full stop.
        return True
    return lower_case or bool(_OPENER.match(rest))


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if right > left:
        spans.append((left, right))
