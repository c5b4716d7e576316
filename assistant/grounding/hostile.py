"""Text of papers that speaks to the model: tell it, take its teeth, keep it out of evidence.

A paper's text is data. `flags` says what is odd about a sentence, `neutral` gives what of it may
stand in a prompt or an answer, `sift` takes out of the evidence what is no finding of a paper.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase

from assistant.grounding.citations import neutral_brackets
from assistant.grounding.hostile_patterns import (
    AFTER_A_COMMAND,
    AUTHORITY,
    COMMANDS,
    FOREIGN_COMMANDS,
    FOREIGN_WORDS,
    MARKERS,
    SQUEEZED,
    SQUEEZED_VERBS,
    TURNS,
    heads,
)
from assistant.text.cleaning import one_line
from assistant.text.sentences import split_sentences
from assistant.types import Evidence, Flagged, Paper

INSTRUCTION = "instruction"
ROLE_MARKER = "role marker"
ENCODED = "encoded text"
AUTHORITATIVE = "claims authority"
HIDDEN = "hidden characters"
LINK = "link"
CITATION_MARK = "citation mark"
NO_FINDING = frozenset((INSTRUCTION, ROLE_MARKER, ENCODED, AUTHORITATIVE))
"""What is flagged so is passed over as evidence; the rest is evidence once it is neutral."""

_WORD = re.compile(r"[\w'-]+")
_LETTERS = str.maketrans("аеорсухіѕԁԛԝαοεινκ", "aeopcyxisdqwaoeivk")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_ROT13 = str.maketrans(ascii_lowercase, ascii_lowercase[13:] + ascii_lowercase[:13])
_NO_LETTER = re.compile(r"[^a-z0-9@$]+")
_LEET_WORD = re.compile(r"\b(?=[\w@$!|]*[013457@$!|])(?=[\w@$!|]*[a-z])[\w@$!|]{3,}")
_LEAST_LEET = 3
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:]?){16,}")
_READABLE = re.compile(r"[\x20-\x7e\s]+")
_LEAST_WORDS = 2
# Hidden, though Unicode counts them as marks or letters: fillers and variation selectors.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_HIDDEN_KINDS = frozenset(("Cc", "Cf", "Co", "Cs", "Cn"))

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}:/{2,}", re.IGNORECASE)
_SCRIPT_SCHEME = re.compile(
    r"\b(javascript|vbscript|livescript|mailto|tel|file|blob|data(?=:\s?\w*/)):\s?", re.IGNORECASE
)
_WWW = re.compile(r"\bwww\d?\.(?=\S)", re.IGNORECASE)
_MAIL = re.compile(r"(?<=[\w.+-])@(?=[\w-]+\.[a-z])", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(
    r"!?\[([^\[\]]{0,300})\]\(\s*<?(?:[^()\s]*(?::|//|/|\?|#|\.[a-z])[^()]{0,500}(?:\([^()]*\))?"
    r"[^()]{0,500})\)",
    re.IGNORECASE,
)
_LINK_SHAPE = re.compile(r"\]\s{0,2}\(|!\[")
_DROPPED = re.compile(
    r"<!--.{0,5000}?(?:-->|$)|<(script|style)\b[^<>]*>.{0,5000}?(?:</\1\s*>|$)",
    re.IGNORECASE | re.DOTALL,
)
_HTML = re.compile(
    r"</?(?:a|abbr|area|audio|b|base|blockquote|body|br|button|center|code|details|div|dl|dt|em|"
    r"embed|font|form|frame|frameset|h[1-6]|head|hr|html|i|iframe|img|input|li|link|marquee|meta|"
    r"object|ol|p|picture|pre|script|section|select|small|source|span|strong|style|sub|summary|"
    r"sup|svg|table|tbody|td|template|textarea|th|tr|tt|u|ul|video)(?:\s+[\w:-]+\s*=[^<>]{0,1000})?\s*/?>",
    re.IGNORECASE,
)
_OPENS_TAG = re.compile(r"<(?=[a-zA-Z/!?|<])|(?<=[|<])<")
_TURN_COLON = re.compile(r"^(system|assistant|developer|human|user)\s?:", re.IGNORECASE)
_MARKER = re.compile(MARKERS.pattern, re.IGNORECASE)
_MOST_PASSES = 8
_SIGNS = str.maketrans(dict.fromkeys("<>[]【】［］:@#|!", " ") | {"@": " at "})


@lru_cache(maxsize=20_000)
def flags(text: str) -> tuple[str, ...]:
    """Return what is odd about a sentence, if anything: "instruction", "link" and so on."""
    plain = folded(text)
    found = []
    if _commands(plain) or any(_hides_command(plain)):
        found.append(INSTRUCTION)
    if MARKERS.search(plain) or TURNS.search(plain):
        found.append(ROLE_MARKER)
    if any(_decoded(text)):
        found.append(ENCODED)
    if AUTHORITY.search(plain):
        found.append(AUTHORITATIVE)
    if visible(text) != " ".join(text.split()):
        found.append(HIDDEN)
    if _has_link(text):
        found.append(LINK)
    if neutral_brackets(text) != text:
        found.append(CITATION_MARK)
    return tuple(found)


def _has_link(text: str) -> bool:
    return bool(
        (":" in text and (_SCHEME.search(text) or _SCRIPT_SCHEME.search(text)))
        or _WWW.search(text)
        or ("](" in text and _MARKDOWN_LINK.search(text))
    )


def visible(text: str) -> str:
    """Return the text on one line without characters that no reader sees."""
    line = one_line(text)
    if line.isascii():
        return line
    shown = "".join(c for c in line if unicodedata.category(c) not in _HIDDEN_KINDS)
    return " ".join(_UNSEEN.sub("", shown).split())


def folded(text: str) -> str:
    """Return the text as patterns read it: visible, lower case, look-alike letters as Latin."""
    line = visible(text)
    if line.isascii():
        return line.lower()
    line = unicodedata.normalize("NFKC", line).casefold()
    # A word all in Cyrillic or Greek is a word; a mixed one is a disguise.
    return re.sub(r"\w*[a-z]\w*", lambda word: word.group().translate(_LETTERS), line)


def _commands(plain: str) -> bool:
    found = heads(_WORD.findall(plain))
    if any(rule.fits(plain, found) for rule in COMMANDS):
        return True
    begins = not found.isdisjoint(FOREIGN_WORDS)
    return (begins or not plain.isascii()) and bool(FOREIGN_COMMANDS.search(plain))


def _hides_command(plain: str) -> Iterator[bool]:
    letters = _NO_LETTER.sub("", plain).translate(_LEET)
    for form in (letters, letters.translate(_ROT13), letters[::-1]):
        # A verb that stands there openly is `COMMANDS`' to judge.
        hidden = any(verb in form and verb not in plain for verb in SQUEEZED_VERBS)
        yield hidden and bool(SQUEEZED.search(form))
    if len(_LEET_WORD.findall(plain)) >= _LEAST_LEET:
        spelt = _LEET_WORD.sub(lambda word: word.group().translate(_LEET), plain)
        yield _commands(spelt)


def _decoded(text: str) -> Iterator[str]:
    """Yield the readable text of base64 and of hexadecimal digits in the sentence."""
    line = visible(text)
    for match in _BASE64.finditer(line):
        run = match.group().rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            decoded = base64.b64decode(run + "=" * (-len(run) % 4)).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if _READABLE.fullmatch(decoded) and len(decoded.split()) >= _LEAST_WORDS:
            yield decoded
    for match in _HEX.finditer(line):
        digits = re.sub(r"[^0-9a-fA-F]", "", match.group())
        decoded = bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("latin-1")
        if _READABLE.fullmatch(decoded) and len(decoded.split()) >= _LEAST_WORDS:
            yield decoded


def neutral(text: str) -> str:
    """Return what of a paper's or model's text may stand in a prompt or an answer.

    No character that can't be seen, no turn or end-of-text mark of a chat format, no tag, no
    link, no citation mark; everything else as it is.
    """
    text = visible(text)
    for _ in range(_MOST_PASSES):  # What is taken out may leave the same thing behind.
        before = text
        text = visible(_neutral_once(text))
        if text == before:
            return text
    return visible(_WWW.sub("", text.translate(_SIGNS)))


def _neutral_once(text: str) -> str:
    if "<" in text:
        text = _HTML.sub("", _DROPPED.sub(" ", text))
    text = _MARKER.sub(" ", text)
    text = _TURN_COLON.sub(r"\1,", text)
    if "[" in text or "](" in text:
        text = _LINK_SHAPE.sub(_parted, _MARKDOWN_LINK.sub(r"\1", text))
    if ":" in text:
        text = _SCRIPT_SCHEME.sub(r"\1 ", _SCHEME.sub("", text))
    text = _MAIL.sub(" at ", _WWW.sub("", text))
    return neutral_brackets(_OPENS_TAG.sub("< ", text))


def _parted(match: re.Match[str]) -> str:
    return "[" if match.group() == "![" else "], ("


def sift(ranked: Sequence[Evidence]) -> tuple[list[Evidence], tuple[Flagged, ...]]:
    """Return the sentences that can be evidence, and all that is odd in the papers' texts.

    Sentences beside a command that go on with it, and those between two marks of a chat
    format, are passed over with it.
    """
    by_paper: dict[str, list[Evidence]] = {}
    for one in ranked:
        by_paper.setdefault(one.paper.id, []).append(one)
    found: list[Flagged] = []
    refused = set()
    for own in by_paper.values():
        own.sort(key=lambda one: one.passage.start)
        found += _odd_fields(own[0].paper)
        for one, reasons in zip(own, flags_of([one.text for one in own]), strict=True):
            if reasons:
                flagged = Flagged(
                    paper_id=one.paper.id, field="abstract", text=one.text, reasons=reasons
                )
                found.append(flagged)
            if not NO_FINDING.isdisjoint(reasons):
                refused.add(one.key)
    return [one for one in ranked if one.key not in refused], tuple(found)


def flags_of(sentences: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the flags of one abstract's sentences, each judged beside the others."""
    found = [flags(sentence) for sentence in sentences]
    refused = [not NO_FINDING.isdisjoint(reasons) for reasons in found]
    if not any(refused):
        return found
    marked = [place for place, reasons in enumerate(found) if ROLE_MARKER in reasons]
    for place, sentence in enumerate(sentences):
        if refused[place]:
            continue
        if marked and marked[0] < place < marked[-1]:
            found[place] = (ROLE_MARKER, *found[place])
        elif _goes_on(place, sentence, refused):
            found[place] = (INSTRUCTION, *found[place])
            refused[place] = True
    return found


def _goes_on(place: int, sentence: str, refused: Sequence[bool]) -> bool:
    beside = refused[max(0, place - 1) : place + 2]
    return any(beside) and bool(AFTER_A_COMMAND.search(folded(sentence)))


def _odd_fields(paper: Paper) -> Iterator[Flagged]:
    fields: Iterable[tuple[str, str]] = (
        ("title", paper.title),
        ("venue", paper.venue),
        *(("author", author) for author in paper.authors),
    )
    for field, text in fields:
        reasons = flags(text) if text else ()
        if reasons:
            yield Flagged(paper_id=paper.id, field=field, text=text, reasons=reasons)


def harmless(text: str) -> str:
    """Return a title's or an abstract's sentences that are no command, neutral; maybe none."""
    pieces = [text[start:end] for start, end in split_sentences(text)]
    return " ".join(
        neutral(piece)
        for piece, reasons in zip(pieces, flags_of(pieces), strict=True)
        if NO_FINDING.isdisjoint(reasons)
    )
