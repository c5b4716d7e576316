"""Turn what exports leave in titles and abstracts into plain text."""

import html
import logging
import re
import unicodedata
from functools import lru_cache
from typing import Any

# Tags that appear in exported metadata (HTML, JATS, MathML). Anything else between
# angle brackets is left alone: "p<b and c>d" and a model's <mask> are not markup.
_HTML = (
    "a|abstract|abstracttext|b|big|blockquote|br|center|code|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|"
    "li|ol|p|pre|section|small|span|strike|strong|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul"
)
_JATS = (
    "alternatives|article-title|bold|disp-formula|ext-link|inf|inline-formula|inline-graphic|"
    "italic|label|list|list-item|monospace|named-content|overline|sc|sec|styled-content|tex-math|"
    "title|underline|xref"
)
_MATHML = (
    "annotation|annotation-xml|maction|math|menclose|merror|mfenced|mfrac|mi|mmultiscripts|mn|mo|"
    "mover|mpadded|mphantom|mprescripts|mroot|mrow|ms|mspace|msqrt|mstyle|msub|msubsup|msup|"
    "mtable|mtd|mtext|mtr|munder|munderover|semantics"
)
_TAG = re.compile(
    rf"</?(?:(?:jats|mml|m|ce|xhtml):[a-z][\w.-]*|{_HTML}|{_JATS}|{_MATHML})(?:\s+[\w:-]+\s*=[^<>]*)?\s*/?>"
    r"|<!--[^<>]*-->|<!\[CDATA\[|\]\]>",
    re.IGNORECASE,
)
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|br|li|h[1-6]|sec|section|td|tr|title|jats:(?:p|sec|title|list-item))\b[^<>]*>",
    re.I,
)
# A formula may come twice, as MathML and as the TeX it was made from: one is enough.
_SECOND_FORMULA = re.compile(
    r"<((?:mml:)?annotation(?:-xml)?|(?:jats:)?tex-math)\b[^<>]*>[^<]*</\1>", re.IGNORECASE
)
_HEADING = re.compile(r"<((?:jats:)?title)>([^<>]*)</\1>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# The page's own mail protection; it also eats things like "mAP@0.5".
_HIDDEN_MAIL = re.compile(r"\[\s?email\s+protected\s?\]", re.IGNORECASE)
# Zero-width, bidirectional and tag characters: invisible to a reader, used to smuggle text.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)
# Half a surrogate pair can't be stored as UTF-8.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_COMMENTED = re.compile(r"(?<=\s)%(?=[A-Z])")
_SPECIAL = re.compile(r"[&<\\$%`\[{]")


def clean_text(raw: str) -> str:
    r"""Return `raw` as one line of plain NFC text.

    Markup becomes text, LaTeX residue (`\ie`, `100\%`, `$\alpha$`) becomes characters,
    invisible characters go, white space is folded.
    """
    text = _visible(raw)
    if _SPECIAL.search(text):
        # Commands stand for invisible characters too.
        text = _visible(_without_markup(text))
    text = " ".join(text.split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def one_line(raw: str) -> str:
    """Return `raw` as one line, without invisible characters, and otherwise as it is."""
    return " ".join(_visible(raw).split())


def _visible(text: str) -> str:
    return text if text.isprintable() else _INVISIBLE.sub("", _CONTROL.sub(" ", text))


def _without_markup(text: str) -> str:
    # Patterns that skip white space would take long over very much of it.
    text = " ".join(text.split())
    for _ in range(2):  # Some exports escape twice: "&amp;lt;i&amp;gt;".
        if "&" in text:
            text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    text = _visible(text)
    if "<" in text:
        text = _HEADING.sub(_heading, _SECOND_FORMULA.sub("", text))
        text = _TAG.sub("", _BLOCK_TAG.sub(" ", text))
    if "\\" in text or "$" in text or "``" in text:
        text = _plain_latex(text)
    if "{" in text:
        text = _EXPONENT.sub(_joined, text)
    return _HIDDEN_MAIL.sub("(hidden by the page)", _COMMENTED.sub("", text))


def _heading(match: re.Match[str]) -> str:
    name = match.group(2).strip(" :.")
    return " " if name.casefold() in ("", "abstract", "summary") else f" {name}: "


# Escaped characters wait as control characters while braces and dollars are LaTeX's own.
_ESCAPES = {"{": "\x01", "}": "\x02", "$": "\x03"} | dict(zip("%&#_", "%&#_", strict=True))
_ESCAPES |= dict.fromkeys(" ,;:\\", " ") | dict.fromkeys("!-/@", "")
_ESCAPED = re.compile(r"\\[{}$%&#_ ,;:!/@\\-]")
_WAITING = str.maketrans({"\x01": "{", "\x02": "}", "\x03": "$", "\x04": "\\"})
_WAITING_IN_TEX = str.maketrans({"\x01": "\\{", "\x02": "\\}", "\x03": "\\$"})
_MATH = re.compile(r"\$\$?([^$]{1,300}?)\$\$?|\\\((.{1,300}?)\\\)|\\\[(.{1,300}?)\\\]", re.S)
_SIGNS = re.compile(r"[\\^_{}]")
_SHORT = re.compile(r"[^\\^_{}$\"“”?]{1,40}|https?://\S+")
_WORDS = re.compile(r"\s[a-z]{2,}|[a-z]{2,}\s")
_EXPONENT = re.compile(
    r"(?<=[\^_])\{([^{}]{1,20})\}|(?<=\d)\{(,)\}(?=\d)"
    r"|(?<=[A-Za-z])\{([A-Za-z]{1,20})\}|\{([A-Za-z]{1,20})\}(?=[A-Za-z])"
)
_REFERENCE = re.compile(
    r"[~\s]{0,2}\\(?:[cC]ite[a-zA-Z]*|(?:eq|auto|page|name|[cC])?ref|label)\*?"
    r"(?:\[[^\]]{0,99}\])*\{[^{}]*\}"
)
_LINK = re.compile(r"\\href\s*\{([^{}]*)\}\s*\{([^{}]*)\}|\\(?:url|nolinkurl)\s*\{([^{}]*)\}")
_SWITCH = re.compile(
    r"\{\\(?:(?:bf|it|em|rm|sc|tt|sl|sf|cal|small|large|tiny|(?:bf|it|md|rm|sc|sf|sl|tt|up)[a-z]+)"
    r"(?![a-zA-Z])|color\s*\{[^{}]*\})\s*([^{}]*)\}"
)
# Possessive: a command whose last argument isn't closed yet must wait for the next pass.
_COMMAND = re.compile(r"\\([a-zA-Z]++)\*?+((?:\s*+\{[^{}]*+\})*+)(?!\s*\{)")
_ARGUMENT = re.compile(r"\{([^{}]*)\}")
_ACCENT = re.compile(
    r"\\(?:([\"'`^~=.])\s*|([Hcvudbrk])(?=\s*\{|\s+[a-zA-Z](?![a-zA-Z])|\\))\s*"
    r"(?:\{\\?([a-zA-Z])\}|\\?([a-zA-Z]))"
)
_BRACED = re.compile(r"\{(" + _ACCENT.pattern + r")\}")
_MARKS = "0301 0300 0302 0308 0303 0304 0307 030b 0327 030c 0306 0323 0331 030a 0328".split()
_COMBINING = dict(zip("'`^\"~=.Hcvudbrk", (chr(int(m, 16)) for m in _MARKS), strict=True))
_QUOTED = re.compile(r"\\(?:\"(?![aeiouyAEIOUY{\\])|'(?=(?:s|t|d|m|ll|re|ve)?(?![A-Za-z{\\])))")
_GROUP = re.compile(r"(?<=\w)\{([^{}]{1,40})\}|\{([^{}]{1,40})\}(?=\w)|\{([\w.-]*)\}")
_TIE = re.compile(r"(?<=[A-Za-z.)])~(?=[A-Za-z(\d\\$])")
_UNICODE = re.compile(r"\\unicode\{x([0-9a-fA-F]{2,5})\}")
# Commands for looks: only what they are put around counts.
_LOOKS = frozenset(
    "emph text textbf textit textmd textnormal textrm textsc textsf textsl texttt textup underline"
    " uline mbox textsubscript textsuperscript ensuremath hbox uppercase xspace noindent par"
    " newline linebreak left right big Big bigl bigr Bigl Bigr small tiny large bf it em rm sc tt"
    " sl sf centering protect null displaystyle limits vspace hspace".split()
)
_UNCLOSED = re.compile(rf"\\(?:(?:{'|'.join(_LOOKS)})(?![a-zA-Z]))?([a-zA-Z]*)")
# The converter doesn't know these.
_WORDS_FOR = {"ie": "i.e.", "eg": "e.g.", "etal": "et al.", "wrt": "w.r.t.", "textbar": "|"}
_WORDS_FOR |= {"textless": "<", "textgreater": ">", "textunderscore": "_", "textquotedbl": '"'}
_WORDS_FOR |= {"textasciicircum": "^", "textasciitilde": "~"}
_WORDS_FOR |= {"S": "§", "P": "¶", "copyright": "©", "pounds": "£", "euro": "€", "slash": "/"}
_WORDS_FOR |= {"textbraceleft": "\x01", "textbraceright": "\x02", "textbackslash": "\x04"}
# TeX drops the space after a command; not after those that take what follows.
_SPACED = re.compile(
    r"(\\(?!(?:[dt]?frac|sqrt|(?:wide)?(?:hat|tilde)|bar|vec|d?dot|over|under|math|text|bm|bold"
    r"|operator|left|right|[bB]ig|binom|not|[mh]box|emph|stackrel|begin|end|p?mod|cal|bf|rm|it|sf"
    r"|tt|label|check|acute|grave|breve|ensure|limits))[a-zA-Z]+)\s+(?=\S)"
)
_DEEPEST, _LONGEST_FRAGMENT = 8, 1000


def _plain_latex(text: str) -> str:
    """Convert formulas and commands; everything else, a lone `%` above all, is plain text."""
    if "``" in text:
        text = text.replace("``", "“").replace("''", "”")
    if "\\" not in text:
        return _MATH.sub(_formula, text)
    text = _UNICODE.sub(_character, text)
    text = _accented(_QUOTED.sub(lambda match: match.group()[1], text))
    text = _ESCAPED.sub(lambda match: _ESCAPES[match.group()[1]], text)
    text = _MATH.sub(_formula, _TIE.sub(" ", _REFERENCE.sub("", _LINK.sub(_link, text))))
    for _ in range(_DEEPEST):
        inner = _COMMAND.sub(_command, _SWITCH.sub(r"\1", _LINK.sub(_link, text)))
        if inner == text and "\\" in inner:
            inner = _GROUP.sub(_joined, inner)
        if inner == text:
            break
        text = inner
    text = _UNCLOSED.sub(lambda match: match.group(1), _GROUP.sub(_joined, text))
    return text.translate(_WAITING)


def _joined(match: re.Match[str]) -> str:
    return "".join(filter(None, match.groups()))


def _character(match: re.Match[str]) -> str:
    character = chr(int(match.group(1), 16))
    return character if character.isprintable() else " "


def _link(match: re.Match[str]) -> str:
    return match.group(2) or match.group(1) or match.group(3) or ""


def _accented(text: str) -> str:
    r"""Compose `{\"o}`, `\"{o}`, `\'\i` and `\c c` into letters."""
    return _ACCENT.sub(_compose, _BRACED.sub(lambda match: _accented(match.group(1)), text))


def _compose(match: re.Match[str]) -> str:
    mark, named, braced, bare = match.groups()
    return unicodedata.normalize("NFC", (braced or bare) + _COMBINING[mark or named])


def _formula(match: re.Match[str]) -> str:
    dollars = match.group(1)
    # Dollars around prices look like a formula: "$5 and $7".
    if dollars is not None and not _SIGNS.search(dollars):
        price = dollars[0].isdigit() and match.string[match.end() : match.end() + 1].isdigit()
        if price or _WORDS.search(dollars) or not _SHORT.fullmatch(dollars):
            return match.group()
    return _decode(dollars or match.group(2) or match.group(3))


def _command(match: re.Match[str]) -> str:
    name, arguments = match.group(1), _ARGUMENT.findall(match.group(2))
    if name in _LOOKS:
        return "".join(arguments)
    if name in _WORDS_FOR:
        return _WORDS_FOR[name]
    if name in ("textcolor", "colorbox"):
        return "".join(arguments[1:])
    if name == "footnote":
        return f" ({arguments[0]})" if arguments else ""
    # An unknown command is mostly a paper's own name for its method: keep the word.
    return _decode(match.group()) or name + "".join(arguments)


@lru_cache(maxsize=4096)
def _decode(fragment: str) -> str:
    # "%" would start a comment and swallow the rest of the fragment.
    if len(fragment) > _LONGEST_FRAGMENT:
        return re.sub(r"[\\{}]", "", fragment)
    safe = re.sub(r"(?<!\\)([%&#])", r"\\\1", fragment.translate(_WAITING_IN_TEX))
    safe = _SPACED.sub(r"\1{} ", safe)
    try:
        converter, commands = _latex()
        decoded = str(converter.latex_to_text(safe, latex_context=commands)).strip()
    except (IndexError, KeyError, ValueError, TypeError, AttributeError, RecursionError):
        # Raised for commands whose arguments are missing: `\href`, `\frac{1}`.
        decoded = "%s"
    return decoded if "%s" not in decoded else re.sub(r"[\\{}]", "", fragment)


@lru_cache(maxsize=1)
def _latex() -> tuple[Any, Any]:
    """Return the converter and the table of commands, which is slow to make."""
    from pylatexenc.latex2text import LatexNodes2Text
    from pylatexenc.latexwalker import get_default_latex_context_db

    # It warns on standard error of every command whose arguments are missing.
    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    return LatexNodes2Text(strict_latex_spaces=False), get_default_latex_context_db()


def title_key(title: str) -> str:
    """Return the title as compared between exports: letters and digits, lower case."""
    folded = unicodedata.normalize("NFKD", title).casefold()
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"[\u0300-\u036f]", "", folded)))
