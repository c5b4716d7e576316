"""Sentences that refer back ("it", "this method", "the latter"), and what they refer to.

Rules on words, not a parser: they look at the sentence's subject and at what stands before it.
What a sentence names itself ("when BERT is pruned, it …") and what means the paper as a whole
("this paper", "our method") is no reference back.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.text.sentences import split_sentences
from assistant.types import Evidence, Passage

FARTHEST = 3
"""How many sentences back the one that names the thing is looked for."""

_PAPER = r"(?:paper|work|study|article|survey|review|report|research|manuscript|thesis|letter|note)"
_THING = (
    r"(?:methods?|approach(?:es)?|models?|frameworks?|systems?|algorithms?|techniques?|networks?|"
    r"architectures?|modules?|schemes?|procedures?|strateg(?:y|ies)|tools?|pipelines?|"
    r"mechanisms?|datasets?|benchmarks?|encoder|decoder|estimator|classifier|loss|metric)"
)
_KIND = r"(?:proposed|resulting|new|novel|presented|suggested|combined|full|final|same|whole)"
_OPENER = re.compile(
    r"(?:(?:however|moreover|furthermore|additionally|besides|also|then|thus|hence|here|next|"
    r"therefore|finally|lastly|notably|importantly|interestingly|surprisingly|remarkably|"
    r"specifically|overall|together|second|third|first|further|meanwhile|consequently|"
    r"nevertheless|nonetheless|instead|similarly|likewise|yet|still|but|and|so(?!\s+that)|indeed|"
    r"in fact|"
    r"in addition|in contrast|in particular|in turn|in practice|as a result|as such|at the same "
    r"time|by contrast|for example|for instance|on the other hand|to this end|by doing so|"
    r"in doing so),?\s+)+",
    re.IGNORECASE,
)
_EMPTY_IT = re.compile(
    r"it\s+(?:(?:is|was|has been|have been|remains?|becomes?|can be|may be|seems?|appears?)\s+"
    r"(?:(?:also|often|still|then|thus|therefore|well|very|not|more|generally|usually)\W+)*"
    r"(?:clear|unclear|known|shown|found|argued|believed|assumed|important|possible|impossible|"
    r"hard|difficult|easy|easier|harder|crucial|essential|necessary|common|desirable|natural|"
    r"challenging|prove[dn]|demonstrated|observed|noted|noteworthy|hypothesi[sz]ed|expected|"
    r"likely|unlikely|critical|vital|imperative|evident|suggested|conjectured|that|to)\b|"
    r"turns out\b|follows that\b)",
    re.IGNORECASE,
)
_REFERENCE = (
    r"(?:(?:its|their|they|them|he|she|his|her)\b|it\b|"
    rf"(?:this|that|these|those)\b(?!\s+(?:\w+\s+)?{_PAPER}\b)|such\b(?!\s+as\b)|"
    r"the\s+(?:former|latter|two|first|second|other|same)\b|"
    rf"the\s+(?:{_KIND}\s+)?{_THING}\b(?!\s+(?:of|for|by|from|called|named)\b)|"
    r"(?:both|all|each|none|one|two|most|some|many)\s+of\s+(?:them|these|those)\b|"
    rf"both\s+(?:{_THING}|are|were|have|can|use|rely)\b)"
)
_SUBJECT = re.compile(_REFERENCE, re.IGNORECASE)
_PHRASE = (
    r"(?:on|in|at|for|with|across|over|under|by|from|during|against|using|besides|without|"
    r"within|among|through|compared\s+(?:with|to)|of|based on|building on|after|beyond)"
)
_POINTS = re.compile(
    rf"{_PHRASE}\s+(?:it|them|(?:all\s+|both\s+)?(?:this|these|those))\b"
    rf"(?!\s+(?:\w+\s+)?{_PAPER}\b)(?!\s+(?:end|purpose|reason|context)\b)",
    re.IGNORECASE,
)
# "On ImageNet, this method …" and, without the comma, "On ImageNet it …".
_AFTER_PHRASE = re.compile(
    rf"{_PHRASE}\s+[^,;:]{{1,60}},\s+(?:(?:and|but|also|then)\s+)?(?={_REFERENCE})|"
    rf"{_PHRASE}\s+(?:(?!(?:where|that|which|when|if|as|because|while|since|and|but)\b)"
    r"[\w./%-]+\s+){1,4}(?=(?:it|they)\s)",
    re.IGNORECASE,
)


def is_anaphoric(sentence: str) -> bool:
    """Whether the sentence's subject, or the phrase before it, refers to an earlier sentence."""
    rest = sentence.lstrip("\"'“‘([ ")
    opener = _OPENER.match(rest)
    rest = rest[opener.end() :] if opener else rest
    if _POINTS.match(rest):
        return True
    phrase = _AFTER_PHRASE.match(rest)
    rest = rest[phrase.end() :] if phrase else rest
    return bool(_SUBJECT.match(rest)) and not _EMPTY_IT.match(rest)


def antecedent(sentences: Sequence[str], place: int) -> int | None:
    """Return the place of the sentence that names what the one at `place` refers to, if any.

    That is the nearest one before it that doesn't refer back itself, at most `FARTHEST` away,
    else the one just before it.
    """
    if place == 0 or not is_anaphoric(sentences[place]):
        return None
    for before in range(place - 1, max(place - 1 - FARTHEST, -1), -1):
        if before == 0 or not is_anaphoric(sentences[before]):
            return before
    return place - 1


def with_context(ranked: Sequence[Evidence]) -> list[Evidence]:
    """Return the sentences, those that refer back with the one that says to what.

    Only sentences that are among `ranked` can be context: what was sifted out stays out.
    """
    known: dict[str, dict[int, Passage]] = {}
    for one in ranked:
        known.setdefault(one.paper.id, {})[one.passage.start] = one.passage
    found: dict[tuple[str, int], Passage] = {}
    for paper_id, passages in known.items():
        abstract = next(iter(passages.values())).paper.abstract
        spans = split_sentences(abstract)
        sentences = [abstract[start:end] for start, end in spans]
        for place, (start, _) in enumerate(spans):
            before = antecedent(sentences, place)
            if before is not None and (passage := passages.get(spans[before][0])) is not None:
                found[paper_id, start] = passage
    return [replace(one, context=found.get((one.paper.id, one.passage.start))) for one in ranked]
