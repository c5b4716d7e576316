"""Sentences that only say where a paper's code is."""

import re

_WHERE = re.compile(
    r"(?:(?:the|our|all|its|their|full|complete|python|pytorch|source|project|corresponding|and|"
    r"associated|data|models?|datasets?|weights|official)\W+)*"
    r"(?:codes?|codebase|implementations?|software|scripts?|source)\b"
    r"(?=.*(?:\b(?:at|available|releas\w+|public\w*|found|provided|hosted|shared|open|download\w*|"
    r"accessible)\b|:|https?|github))",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:codes?|codebase|software|implement\w*|repositor\w+|repos?|github|gitlab|open\W?source\w*|"
    r"available|availability|download\w*|releas\w+|online|public\w*|reproduc\w+|links?|urls?|"
    r"websites?)\b",
    re.IGNORECASE,
)
MOST_WORDS = 25


def asks_for_code(question: str) -> bool:
    """Whether the question may be about where something can be had."""
    return bool(_ASKED.search(question))


def only_says_where_code_is(sentence: str) -> bool:
    """Whether the sentence is of the kind "Our code is available at …"."""
    return len(sentence.split()) <= MOST_WORDS and bool(_WHERE.match(sentence))
