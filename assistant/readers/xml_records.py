"""Cut the records out of an XML file and parse each for itself, safely.

A pull parser over the whole file would stop at the first error and lose every record
after it. Cut out, a broken record harms no other, and entities defined in the file's
prologue, the stuff of XML bombs, are never even seen; defusedxml refuses the rest.
"""

import html
import re
import sys
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from assistant.readers.lines import HEAD_CHARACTERS, Lines
from assistant.readers.text_buffer import TextBuffer
from assistant.types import Problem

MAX_RECORD = 16 * 1024 * 1024
_LONGEST_TAG = 64 * 1024
_ENCODING = re.compile(r"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.-]{1,40})")
_DEFINES_ENTITIES = re.compile(r"<!ENTITY\b")
_NAMESPACE = re.compile(r"\sxmlns(?::[\w.-]+)?\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')")
_KNOWN_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_BARE_AMPERSAND = re.compile(r"&(?!#?\w{1,31};)")
# Characters that XML forbids, and that exports contain all the same.
_FORBIDDEN = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMBERED = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
_TITLE = re.compile(
    r"<(?:ArticleTitle|(?:dc:)?title)\b[^<>]*>\s*(?:<style\b[^<>]*>)?\s*([^<]{1,60})"
)
# The same formula again in another notation.
_SKIPPED = frozenset(("annotation", "annotation-xml", "tex-math"))


def xml_records(
    lines: Lines, names: tuple[str, ...], source: str
) -> Iterator[tuple[int, Element] | Problem]:
    """Yield each element of one of the `names` with the line it starts on."""
    head = lines.peek(HEAD_CHARACTERS)
    encoding = _ENCODING.match(head.lstrip())
    if _DEFINES_ENTITIES.search(head):
        reason = "the file defines its own XML entities; they are refused"
        yield Problem(source=source, line=1, reason=reason, skipped=False)
    spaces = _namespaces(head, names)
    for line, text in _cut(lines.texts(encoding.group(1) if encoding else ""), names):
        element = _parsed(text, spaces) if text.endswith(">") else "it has no end"
        if isinstance(element, str):
            yield Problem(source=source, line=line, reason=_broken(element, text))
        else:
            yield line, element


def _namespaces(head: str, names: tuple[str, ...]) -> str:
    """Return the declarations on the root element, which its records rely on."""
    start = re.search(rf"<(?:{'|'.join(names)})[\s>]", head)
    before = head[: start.start()] if start else head
    return "".join(dict.fromkeys(_NAMESPACE.findall(before)))


def _cut(texts: Iterator[str], names: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each record; text that doesn't end in ">" was broken off."""
    tag = re.compile(rf"<(/?)({'|'.join(names)})(?=[\s>])[^<>]*>")
    buffer = TextBuffer(texts)
    at, start, name = 0, -1, ""
    while True:
        match = tag.search(buffer.text, at)
        if match is None:
            # The last tag may be cut in two by the chunk's end.
            last = buffer.text.rfind("<", at)
            at = last if last >= 0 and len(buffer.text) - last < _LONGEST_TAG else len(buffer.text)
            if start >= 0 and at - start > MAX_RECORD:
                yield buffer.line_at(start), buffer.text[start : start + 1000] + " "
                start = -1
            keep = start if start >= 0 else at
            if not buffer.more(keep):
                break
            at, start = at - keep, min(start, 0)
            continue
        at = match.end()
        closes = bool(match.group(1))
        if start >= 0 and not (closes and match.group(2) != name):
            # A record that begins within a record: the first one lost its end.
            text = buffer.text[start : at if closes else match.start()]
            yield buffer.line_at(start), text if closes else text + " "
            start = -1
        if not closes:
            start, name = match.start(), match.group(2)
    if start >= 0:
        yield buffer.line_at(start), buffer.text[start:] + " "


def _parsed(text: str, spaces: str) -> Element | str:
    """Return the one element in `text`, or why there is none."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    text = _FORBIDDEN.sub("", text)
    reason = ""
    for attempt in (text, _with_characters(text)):
        try:
            element: Element = fromstring(f"<root{spaces}>{attempt}</root>", forbid_dtd=True)[0]
        except (ParseError, ValueError, IndexError, DefusedXmlException) as error:
            reason = reason or str(error)
        else:
            return element
    return reason


def _with_characters(text: str) -> str:
    """Replace what HTML allows and XML doesn't: named characters, "&#11;" and a bare "&"."""
    return _BARE_AMPERSAND.sub("&amp;", _NUMBERED.sub(_numbered, _NAMED.sub(_character, text)))


def _character(match: re.Match[str]) -> str:
    if match.group(1) in _KNOWN_ENTITIES:
        return match.group()
    character = html.unescape(match.group())
    return html.escape(character) if character != match.group() else character


def _numbered(match: re.Match[str]) -> str:
    number = int(match.group(1), 16) if match.group(1) else int(match.group(2))
    known = 0 < number < sys.maxunicode and not _FORBIDDEN.match(chr(number))
    return match.group() if known else ""


def _broken(reason: str, text: str) -> str:
    title = _TITLE.search(text)
    named = f" in “{' '.join(title.group(1).split())}”" if title else ""
    return f"not valid XML{named} ({reason}); skipped"


def local_name(element: Element) -> str:
    """Return the tag without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def text_of(element: Element | None) -> str:
    """Return all text within an element, in order, a formula's second notation left out."""
    if element is None:
        return ""
    parts: list[str] = []
    # A stack instead of recursion: nesting in a hostile file has no bound.
    waiting: list[Element | str] = [element]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            parts.append(one)
            continue
        if local_name(one) not in _SKIPPED:
            parts.append(one.text or "" if isinstance(one.tag, str) else "")
            for child in reversed(one):
                waiting += [child.tail or "", child]
    return "".join(parts)
