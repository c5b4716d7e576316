"""Near-duplicates: two records of one paper that share no key and not every word.

Candidates are found without comparing all pairs, by MinHash over word shingles (Broder 1997,
"On the resemblance and containment of documents") and banding (Indyk & Motwani 1998; Leskovec,
Rajaraman & Ullman, "Mining of Massive Datasets", ch. 3). Then all that two records say decides:
a paper that stands in the library twice does less harm than one that was lost in another.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from zlib import crc32

import numpy as np
import numpy.typing as npt

from assistant.identity import normal_arxiv_id, normal_doi
from assistant.text.cleaning import title_key
from assistant.text.words import STOP_WORDS
from assistant.types import Paper

# Texts of Jaccard similarity s share a key with probability 1 - (1 - s**ROWS)**BANDS:
# .958 at .8, .477 at .6, .019 at .3.
BANDS, ROWS = 8, 5
FEWEST_WORDS, MOST_WORDS = 20, 2000
LEAST_ALIKE, LEAST_ALIKE_UNTITLED = 0.8, 0.9
LEAST_LENGTH = 0.6
LEAST_TITLE_WORDS, LEAST_TITLE_SPELLING = 0.6, 0.8
MOST_REPLACED_NUMBERS = 2
MOST_YEARS_APART = 1

_Hashes = npt.NDArray[np.uint64]

# What ASCII text becomes in `title_key`, in a twentieth of the time.
_PLAIN = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_APOSTROPHE = re.compile("['’]")
# Where no spaces part the words, each character counts as one.
_IDEOGRAPH = re.compile("([\u3040-\u30ff\u3400-\u9fff])")
# British and American spelling, made one; that other words change with them does no harm.
_SPELLINGS = tuple(
    pair.replace("_", " ").split(":")
    for pair in (
        "z:s our:or ae:e oe:e ll:l mme:m ogue:og ence:ense tre_:ter_ tres_:ters_ bre_:ber_"
        " bres_:bers_ ould:old grey:gray sulph:sulf aluminium:aluminum artefact:artifact"
        " judgement:judgment ageing:aging"
    ).split()
)
_LABELS = frozenset(
    b"abstract aim aims background conclusion conclusions discussion finding findings"
    b" interpretation introduction method methods methodology objective objectives purpose result"
    b" results summary".split()
)
_COPYRIGHT = re.compile(
    r"©|\(c\)(?=\s*(?:19|20)\d\d)|copyright(?=\s*(?:©|\(c\)|(?:19|20)\d\d))"
    r"|all rights reserved",
    re.IGNORECASE,
)
_LONGEST_COPYRIGHT = 250
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), start=1
    )
}
_NUMBER = re.compile(
    r"(?<![0-9.])[0-9]{1,3}(?:[, ][0-9]{3})+(?![0-9])|[0-9]+(?:\.[0-9]+)*"
    rf"|\b(?:{'|'.join(_NUMBER_WORDS)})\b"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_DIGITS = re.compile(r"[0-9]+")
# Without v and x, which stand for themselves more often.
_ROMAN = {
    numeral: str(number)
    for number, numeral in enumerate(
        "i ii iii iv . vi vii viii ix . xi xii xiii xiv xv xvi xvii xviii xix xx".split(), start=1
    )
}
_COUNTING = frozenset(_NUMBER_WORDS) | frozenset(
    "first second third fourth fifth sixth seventh eighth ninth tenth".split()
)
_NOTICE = re.compile(
    r"(?:erratum|errata|corrigend\w+|corrections?|addendum|comments?|reply|response|rejoinder"
    r"|retract\w+|withdrawn)\b(?! of\b)"
)
_SUFFIXES = frozenset("jr sr ii iii iv 2nd 3rd".split())
_ARXIV_DOI = "10.48550/arxiv."


def band_keys(paper: Paper) -> tuple[str, ...]:
    """Return the keys of the abstract's bands: papers that share one are candidates.

    They are the same on every machine. An abstract of less than 20 words has none.
    """
    shingles = _shingles(paper.abstract)
    if shingles is None:
        return ()
    least = (shingles * _FACTORS + _SHIFTS).min(axis=1).reshape(BANDS, ROWS)
    # 48 bits: one chance meeting in a band among twenty million papers.
    bands = _mixed((least * _PLACES).sum(axis=1)) >> np.uint64(16)
    return tuple(f"near{band}:{value:012x}" for band, value in enumerate(bands.tolist()))


def likeness(one: Paper, other: Paper) -> float | None:
    """Return how much of the shorter abstract is in the longer, in [0, 1].

    None where the two are not near-duplicates: where an identifier, the first author, the
    year, a number in the title or the numbers reported say that they are different papers,
    and where the titles or the abstracts aren't alike.
    """
    if _ids_differ(one, other) or _authors_differ(one, other):
        return None
    if one.year and other.year and abs(one.year - other.year) > MOST_YEARS_APART:
        return None
    titled = bool(title_key(one.title) and title_key(other.title))
    if titled and not _titles_alike(one.title, other.title):
        return None
    alike = _containment(one.abstract, other.abstract)
    if alike < (LEAST_ALIKE if titled else LEAST_ALIKE_UNTITLED):
        return None
    if _numbers_differ(one.abstract, other.abstract) or _subjects_differ(one, other):
        return None
    return alike


def _constants(count: int, seed: int) -> _Hashes:
    """Return odd numbers of 64 bits that are the same everywhere."""
    steps = np.arange(seed, seed + count, dtype=np.uint64)
    return _mixed(steps * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)


def _mixed(values: _Hashes) -> _Hashes:
    """Spread each value over all 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_FACTORS = _constants(BANDS * ROWS, 1)[:, None]
_SHIFTS = _constants(BANDS * ROWS, 1001)[:, None]
_PLACES = _constants(ROWS, 2001)
_FIRST, _SECOND = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F)


def _plain(text: str) -> str:
    """Return the text as `title_key` does, but "bee's" as one word."""
    if text.isascii():
        return text.replace("'", "").translate(_PLAIN)
    return title_key(_IDEOGRAPH.sub(r" \1 ", _APOSTROPHE.sub("", text)))


def _spelled(plain: str) -> str:
    """Return the words of plain text in one spelling, between spaces."""
    text = f" {plain} "
    for british, american in _SPELLINGS:
        text = text.replace(british, american)
    return text


def _words(text: str) -> list[str]:
    return _spelled(_plain(text)).split()


def _own_words(abstract: str) -> str:
    """Return the abstract without the publisher's last sentence."""
    start = max(len(abstract) // 2, len(abstract) - _LONGEST_COPYRIGHT)
    match = _COPYRIGHT.search(abstract, start)
    return abstract[: match.start()] if match else abstract


def _shingles(abstract: str) -> _Hashes | None:
    """Return the hashes of each three words in a row, or None where there are too few."""
    words = _spelled(_plain(_own_words(abstract))).encode().split()
    hashes = [crc32(word) for word in words[:MOST_WORDS] if word not in _LABELS]
    if len(hashes) < FEWEST_WORDS:
        return None
    row = np.array(hashes, dtype=np.uint64)
    return _mixed(row[:-2] * _FIRST + row[1:-1] * _SECOND + row[2:])


def _containment(one: str, other: str) -> float:
    """Return the share of the shorter text's shingles that the longer has.

    0 where it is shorter by far: a part of the text, or another text that quotes it.
    """
    mine, theirs = _shingles(one), _shingles(other)
    if mine is None or theirs is None:
        return 0.0
    shorter, longer = sorted((np.unique(mine), np.unique(theirs)), key=len)
    if len(shorter) < LEAST_LENGTH * len(longer):
        return 0.0
    shared = np.intersect1d(shorter, longer, assume_unique=True)
    return len(shared) / len(shorter)


def _ids_differ(one: Paper, other: Paper) -> bool:
    return any(
        mine and theirs and mine != theirs
        for mine, theirs in zip(_ids(one), _ids(other), strict=True)
    )


def _ids(paper: Paper) -> tuple[str, str, str]:
    """Return DOI, arXiv id and PMID; arXiv's own DOI is no other name than the arXiv id."""
    doi = normal_doi(paper.doi) or paper.doi.strip().lower()
    arxiv = normal_arxiv_id(paper.arxiv_id) or paper.arxiv_id.strip().lower()
    if doi.startswith(_ARXIV_DOI):
        named = doi.removeprefix(_ARXIV_DOI)
        doi, arxiv = "", arxiv or normal_arxiv_id(named) or named
    return doi, arxiv, paper.pmid.strip()


def _authors_differ(one: Paper, other: Paper) -> bool:
    """Whether neither first author's family name is in the other's name."""
    mine, theirs = _first_author(one), _first_author(other)
    return bool(mine and theirs) and mine[-1] not in theirs and theirs[-1] not in mine


def _first_author(paper: Paper) -> list[str]:
    """Return the words of the first author's name, the family name last."""
    family, comma, given = (paper.authors[0] if paper.authors else "").partition(",")
    name = title_key(f"{given} {family}" if comma else family)
    # Müller, Mueller and Muller.
    for pair in ("ae", "oe", "ue"):
        name = name.replace(pair, pair[0])
    return [word for word in name.split() if word not in _SUFFIXES and not word.isdecimal()]


def _titles_alike(one: str, other: str) -> bool:
    mine, theirs = _plain(one), _plain(other)
    if _are_of_a_series(mine.split(), theirs.split()):
        return False
    if bool(_NOTICE.match(mine.strip())) != bool(_NOTICE.match(theirs.strip())):
        return False
    mine, theirs = (" ".join(_words(title)) for title in (one, other))
    if f" {mine} " in f" {theirs} " or f" {theirs} " in f" {mine} ":
        return True
    shared_words = _jaccard(set(mine.split()), set(theirs.split()))
    return shared_words >= LEAST_TITLE_WORDS or _spelling(mine, theirs) >= LEAST_TITLE_SPELLING


def _are_of_a_series(one: list[str], other: list[str]) -> bool:
    """Whether the titles' words tell part I from part II, 2019 from 2020, group A from B."""
    if _numerals(one) != _numerals(other):
        return True
    # A subtitle that one record lacks may hold such a word; one that stands for another tells.
    mine, theirs = (
        {word for word in words if len(word) == 1 or word in _COUNTING} for words in (one, other)
    )
    return bool(mine - theirs and theirs - mine)


def _numerals(words: Iterable[str]) -> Counter[str]:
    return Counter(_DIGITS.findall(" ".join(_ROMAN.get(word, word) for word in words)))


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


def _spelling(one: str, other: str) -> float:
    """Return Dice's coefficient of the letter trigrams: a typo in a short title is one word."""
    mine, theirs = (
        {text[place : place + 3] for place in range(len(text) - 2)}
        for text in (one.replace(" ", ""), other.replace(" ", ""))
    )
    total = len(mine) + len(theirs)
    return 2 * len(mine & theirs) / total if total else 0.0


def _numbers_differ(one: str, other: str) -> bool:
    """Whether the abstracts report other figures in the same words.

    Numbers of one that the other has others for: more than two, all of them, or a year.
    """
    mine, theirs = _numbers(_own_words(one)), _numbers(_own_words(other))
    shared, mine, theirs = (mine & theirs), mine - theirs, theirs - mine
    if _has_year(mine) and _has_year(theirs):
        return True
    replaced = min(mine.total(), theirs.total())
    return replaced > (MOST_REPLACED_NUMBERS if shared else 1)


def _numbers(text: str) -> Counter[str]:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("·", ".")
    found = (re.sub("[, ]", "", number) for number in _NUMBER.findall(text.lower()))
    return Counter(_NUMBER_WORDS.get(number, number) for number in found)


def _subjects_differ(one: Paper, other: Paper) -> bool:
    """Whether a word of the title was exchanged in the abstract too: "in rats", "in mice"."""
    mine, theirs = set(_words(one.title)), set(_words(other.title))
    told, told_there = set(_words(one.abstract)), set(_words(other.abstract))
    own = (mine - theirs - STOP_WORDS) & (told - told_there)
    own_there = (theirs - mine - STOP_WORDS) & (told_there - told)
    return bool(own and own_there)


def _has_year(numbers: Counter[str]) -> bool:
    return any(_YEAR.fullmatch(number) for number in numbers)
