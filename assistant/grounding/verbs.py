"""Which words of a scientific sentence are its verbs, by a list: enough to see a clause."""

import re
from functools import lru_cache

_BASES = """
accelerate achieve adapt add address aggregate aim align allow analyse analyze answer apply assign
attain avoid balance beat begin benefit boost build capture cause change classify collect combine
compare compute contain contribute convert cover create cut decrease define degrade deliver depend
derive describe design detect determine develop distil distill drop employ enable encode enhance
ensure estimate evaluate examine exceed exhibit exist exploit explain explore extend extract fail
fall find fit follow form gain generalise generalize generate give grow guide halve handle help
identify ignore improve include increase indicate induce infer inherit integrate introduce
investigate involve keep lack lead learn leave let lie lose lower maintain make map match maximise
maximize measure merge minimise minimize model need obtain offer operate optimise optimize
outperform perform permit predict prefer present preserve prevent process produce propose prove
provide prune quantify raise range reach read receive recover reduce refine reject rely remain
remove replace report represent require resemble restrict retain return reveal rise run save scale
seem select separate show shrink solve split stay store study suffer suggest support surpass take
tend test track train transfer transform translate treat update use vary work yield
""".split()
_IRREGULAR = {
    "built": "ed", "cut": "ed", "fell": "ed", "found": "ed", "gave": "ed", "grew": "ed",
    "kept": "ed", "led": "ed", "left": "ed", "lost": "ed", "made": "ed", "rose": "ed",
    "ran": "ed", "took": "ed", "shown": "ed", "fit": "ed", "began": "ed", "learnt": "ed",
    "is": "s", "has": "s", "does": "s", "are": "", "have": "", "do": "", "was": "ed",
    "were": "ed", "had": "ed", "did": "ed", "can": "", "could": "", "may": "", "might": "",
    "must": "", "will": "", "would": "", "should": "", "cannot": "",
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")


def verb_form(word: str) -> str | None:
    """Return the ending that shows a verb's form: "s", "ed" or "" (base); None for no verb."""
    return _forms().get(word.lower())


def has_verb(text: str) -> bool:
    """Whether a word after the first one is a verb."""
    return any(verb_form(word) is not None for word in _WORD.findall(text.lower())[1:])


@lru_cache(maxsize=1)
def _forms() -> dict[str, str]:
    forms: dict[str, str] = {}
    for base in _BASES:
        stem = base[:-1] if base.endswith(("e", "y")) else base
        plural = f"{stem}ies" if re.search(r"[^aeiou]y$", base) else f"{base}s"
        past = f"{stem}ied" if re.search(r"[^aeiou]y$", base) else f"{base.removesuffix('e')}ed"
        doubled = f"{base}{base[-1]}ed"  # "dropped", "mapped"
        sibilant = f"{base}es"  # "reaches"
        forms |= {base: "", plural: "s", sibilant: "s", past: "ed", doubled: "ed"}
    return forms | _IRREGULAR
