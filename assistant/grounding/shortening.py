"""Parts of a claim that can stand alone, so that one unsupported fact need not cost the other.

Rules on words, not a parser. They leave out a whole clause, an insertion or an item of a list,
and keep what restricts a statement ("only …", "unless …"). Whether a part is true is not asked
here: the verifier judges it anew.
"""

import re
from collections.abc import Iterator

from assistant.grounding.anaphora import is_anaphoric
from assistant.grounding.verbs import has_verb, verb_form

LEAST_WORDS = 4
MOST_PARTS = 8

_RESTRICTS = r"(?!(?:(?:but|and|though|although|while)\s+)?(?:only|except|unless|if|provided|nor)\b)"
_CLAUSE = re.compile(
    rf";\s+{_RESTRICTS}|,\s+{_RESTRICTS}(?=(?:and|but|while|whereas|although|though|so|because|which|"
    r"who|where|thus|thereby|with|without|by|\w+ing)\b)|"
    rf"\s+{_RESTRICTS}(?=(?:because|whereas|although|though|while)\b)",
    re.IGNORECASE,
)
# After these a statement with a subject of its own may follow.
_NEXT = re.compile(r"(?:(?:and|but|while|whereas|although|though|because|so)\s+)?", re.IGNORECASE)
_DEPENDS = re.compile(
    r"(?:which|who|where|thus|thereby|with|without|by|nor|\w+ing)\b", re.IGNORECASE
)
_SUBJECT = re.compile(r"(?:the|an?|all|most|many|several|some|no)\s|[A-Z0-9]", re.ASCII)
_AND_VERB = re.compile(r"\s+(?:and|but)\s+(?:(?:also|then|thus|even|still|\w+ly)\s+)?(?=(\w+))")
_CORRELATIVE = re.compile(r"\b(?:both|either|between|neither|whether)\b", re.IGNORECASE)
_OPENING = re.compile(
    r"(?:while|whereas|although|though)\s+([^,;]+),\s+(.+)$", re.IGNORECASE | re.DOTALL
)
_PREPOSITION = re.compile(
    r"(?:on|in|at|for|with|across|over|under|by|from|during|against|using|without|within|among|"
    r"through|of|to|as|when|where|if|after|before)\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_RELATIVE = re.compile(r",\s+(?:which|who|whose|where)\b[^,;]*,(?=\s)")
_NAMED_ALSO = re.compile(r",\s+(?:an?|the|one of)\s[^,;]{1,100},\s+(?=(\w+))")
_NAME = r"[A-Z0-9][\w./%+-]*(?:[ ][A-Z0-9][\w./%+-]*){0,3}"
_WORD = r"[a-z][\w-]+"
_ITEM = rf"(?:{_NAME}|{_WORD})"
_LIST = re.compile(
    rf"(?<![\w,])(?P<items>{_ITEM}(?:,\s+{_ITEM})+),?\s+(?P<joint>and|or)\s+(?P<last>{_ITEM})"
    rf"(?=[,;.]|$|\s+[a-z])|"
    rf"(?<![\w,])(?P<one>{_NAME})\s+(?P<or>and|or)\s+(?P<two>{_NAME})(?=[,;.]|$|\s+[a-z])"
)
_PLURAL_NEXT = re.compile(r"\s+(?:are|were|have|do|both|all|respectively|each)\b")
