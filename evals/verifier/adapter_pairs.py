"""What the verifier's adapter is trained on: prompts that are answered with yes or no.

Two tasks. Support is the product's: the public NLI sources whose licence allows it, and claims
made from abstracts by rule. Answerability is a second task in the same words of reply, which
keeps the adapter from learning one prompt by heart; the product doesn't ask it.
"""

import gzip
import json
import random
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from assistant.errors import InputError, UnreadableFileError
from assistant.grounding.focus import focus
from assistant.prompts import load_prompt
from assistant.text.sentences import split_sentences
from evals.verifier.made_pairs import made_pairs, read_abstracts
from evals.verifier.pairs import SHIPPABLE, Pair, read_pairs, spread

_Item = TypeVar("_Item")
Kind = Literal["support", "answer"]
Split = Literal["train", "held", "test"]

ANSWER_SYSTEM = "Do the sentences answer the question?"
ANSWER_USER = "Sentences:\n{evidence}\nQuestion: {question}"

# Fewer than for the cross-encoder where sentences are everyday ones or made to a pattern.
LIMITS = SHIPPABLE | {
    "taxinli_mnli": 7000,
    "conjnli": 6000,
    "cad_snli": 4000,
    "med_monotonicity": 2000,
    "entailmentbank": 6000,
}
HELD_CLAIMS = 120
MADE, MADE_HELD = 12000, 1000
TRIALS, TRIALS_HELD = 5000, 150
ASKED = {"fool_me_twice": 2500, "check_covid": 1200, "factcheck_gpt": 1200}
ASKED_HELD = 80
TITLES_HELD = 100
# What is drawn is the same for each seed of the training, so that their figures compare.
DRAW = 11

_RESULTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?P<o>.+?) was significantly (?:higher|lower) with (?P<i>.+?) than with (?P<c>.+?)\.$",
        r"^Compared with (?P<c>.+?), (?P<i>.+?) led to a significant (?:increase|reduction) in "
        r"(?P<o>.+?)\.$",
        r"^(?P<i>.+?) significantly (?:increased|decreased) (?P<o>.+?) compared with "
        r"(?P<c>.+?)\.$",
        r"^(?P<i>.+?) did not significantly change (?P<o>.+?) compared with (?P<c>.+?)\.$",
        r"^There was no significant difference in (?P<o>.+?) between (?P<i>.+?) and "
        r"(?P<c>.+?)\.$",
        r"^(?P<o>.+?) did not differ significantly between (?P<i>.+?) and (?P<c>.+?)\.$",
    )
)
_OF_TRIALS = (
    "What is the effect of {i} on {o} compared with {c}?",
    "How does {i} change {o}, against {c}?",
    "Does {i} affect {o} compared with {c}?",
    "Is {o} different with {i} than with {c}?",
    "Which leads to better {o}, {i} or {c}?",
    "What happens to {o} when {i} is used?",
    "How did {o} differ between {i} and {c}?",
)
_OF_CLAIMS = (
    "Is it true that {low}?",
    "Do we know whether {low}?",
    "Is it the case that {low}?",
    "{claim}: is that so?",
)
_LONG_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A prompt, whether its answer is yes, and whether it is trained on.

    `held` rows come from the sources that are trained on, `test` rows from others.
    """

    kind: Kind
    source: str
    split: Split
    label: bool
    system: str
    user: str


def records(data: Path, tests: Sequence[str] = ()) -> Iterator[Record]:
    """Yield all records from the folder `data`, those of the collections `tests` last.

    Raises:
        InputError: a file of `data` is missing, or can't be read.
    """
    chance = random.Random(DRAW)  # noqa: S311 - data, no secret
    for source, limit in LIMITS.items():
        yield from _public(data, source, limit, chance)
    yield from _made(data)
    yield from _of_trials(_read(data / "nli" / "evidence_inference.jsonl.gz", read_pairs), chance)
    for source, limit in ASKED.items():
        yield from _of_claims(_source(data, source, limit, chance), source, chance)
    yield from _of_titles(_read(_corpus(data), _papers), chance)
    for name in tests:
        for pair in _read(data / name / "pairs.jsonl.gz", read_pairs):
            yield support(pair, name, "test")


def support(pair: Pair, source: str, split: Split) -> Record:
    """Return the pair as the product puts it to the model."""
    messages = load_prompt("supported_tuned").messages(
        evidence=focus(pair.claim, pair.evidence), claim=pair.claim
    )
    return Record(
        kind="support",
        source=source,
        split=split,
        label=pair.label == "supported",
        system=messages[0].content,
        user=messages[1].content,
    )


def numbered(sentences: Sequence[str], words: int = 120) -> str:
    """Return the sentences as a numbered list, leaving out what exceeds `words` words."""
    kept: list[str] = []
    room = words
    for sentence in sentences:
        length = len(sentence.split())
        if not kept or length <= room:
            kept.append(sentence)
            room -= length
    return "\n".join(f"[{number}] {sentence}" for number, sentence in enumerate(kept, start=1))


def _answer(
    source: str, split: Split, sentences: Sequence[str], question: str, *, label: bool
) -> Record:
    return Record(
        kind="answer",
        source=source,
        split=split,
        label=label,
        system=ANSWER_SYSTEM,
        user=ANSWER_USER.format(evidence=numbered(sentences), question=question),
    )


# --- reading --------------------------------------------------------------------------------


def _corpus(data: Path) -> Path:
    return data / "arxiv-75k" / "corpus.jsonl.gz"


def _read(path: Path, read: Callable[[Path], list[_Item]]) -> list[_Item]:
    """Return what `read` finds in the file.

    Raises:
        InputError: there is no such file, or it can't be read.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing; name the folder that holds nli/ and arxiv-75k/.")
    try:
        return read(path)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{path} can't be read ({error}); fetch it anew.") from error


def _source(data: Path, source: str, limit: int, chance: random.Random) -> list[Pair]:
    pairs = list(spread(_read(data / "nli" / f"{source}.jsonl.gz", read_pairs), limit))
    chance.shuffle(pairs)
    return pairs


def _papers(path: Path) -> list[Any]:
    """Return the corpus's records, but for those with next to no abstract."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        papers = [json.loads(line) for line in lines]
    return [paper for paper in papers if len(paper["abstract"].split()) > 50]


# --- support --------------------------------------------------------------------------------


def _public(data: Path, source: str, limit: int, chance: random.Random) -> Iterator[Record]:
    """Yield a source's pairs; all pairs of a claim are trained on, or none."""
    pairs = _source(data, source, limit, chance)
    held = set(list(dict.fromkeys(pair.claim for pair in pairs))[:HELD_CLAIMS])
    for pair in pairs:
        yield support(pair, source, "held" if pair.claim in held else "train")


def _made(data: Path) -> Iterator[Record]:
    path = _corpus(data)
    trained, held = (_read(path, partial(read_abstracts, part=part)) for part in (0, 1))
    for pair in made_pairs(trained, MADE, seed=7):
        yield support(pair, "made", "train")
    for pair in made_pairs(held, MADE_HELD, seed=8):
        yield support(pair, "made", "held")


# --- answerability --------------------------------------------------------------------------


def _of_trials(pairs: list[Pair], chance: random.Random) -> Iterator[Record]:
    """Yield what a trial's stated result (its outcome, intervention, comparator) answers."""
    chance.shuffle(pairs)
    spans = [" ".join(pair.evidence) for pair in pairs]
    seen: set[tuple[str, str, str]] = set()
    for pair, span in zip(pairs, spans, strict=True):
        found = next(filter(None, (result.match(pair.claim) for result in _RESULTS)), None)
        if found is None or len(span.split()) > 110:
            continue
        question = chance.choice(_OF_TRIALS).format(**found.groupdict())
        # The same finding is there as higher, lower and unchanged.
        if (found["o"], found["i"], span) in seen:
            continue
        split: Split = "train" if len(seen) >= TRIALS_HELD else "held"
        seen.add((found["o"], found["i"], span))
        others = [one for one in chance.sample(spans, min(3, len(spans))) if len(one.split()) < 50]
        sentences = [span, *others[: chance.randint(0, 2)]]
        chance.shuffle(sentences)
        yield _answer("trials", split, sentences, question, label=pair.label != "not_found")
        if len(seen) == TRIALS:
            return


def _of_claims(pairs: Sequence[Pair], source: str, chance: random.Random) -> Iterator[Record]:
    """Yield each claim as a question: evidence that supports or refutes it answers."""
    texts = [" ".join(pair.evidence) for pair in pairs]
    for place, pair in enumerate(pairs):
        claim = pair.claim.rstrip(".")
        is_word = claim[:2].istitle() and not claim.split()[0].isupper()
        low = claim[0].lower() + claim[1:] if is_word else claim
        question = chance.choice(_OF_CLAIMS).format(low=low, claim=claim)
        others = chance.sample(texts, min(chance.randint(0, 2), len(texts)))
        sentences = [focus(pair.claim, pair.evidence)]
        sentences += [focus(pair.claim, [other], 40) for other in others]
        chance.shuffle(sentences)
        split: Split = "train" if place >= ASKED_HELD else "held"
        yield _answer(source, split, sentences, question, label=pair.label != "not_found")


def _of_titles(papers: Sequence[Any], chance: random.Random) -> Iterator[Record]:
    """Yield titles that ask, over their own abstract's sentences, and over its neighbours'."""
    count = 0
    for place, near in _neighbours(papers):
        # Of "Bees: do they dream?" the part that asks.
        question = " ".join(papers[place]["title"].split()).split(":")[-1].strip()
        if len(question.split()) < 5 or len(near) < 4:
            continue
        own = _sentences([papers[place]])
        others = _by_words(_sentences([papers[one] for one in near[:4]]), question)[:5]
        best = dict.fromkeys(own[-3:] + _by_words(own, question)[:2])
        answering = list(best)[:4] + others[:1]
        chance.shuffle(answering)
        chance.shuffle(others)
        split: Split = "held" if count < TITLES_HELD else "train"
        yield _answer("titles", split, answering, question, label=True)
        yield _answer("titles", split, others, question, label=False)
        count += 1


def _neighbours(papers: Sequence[Any]) -> Iterator[tuple[int, list[int]]]:
    """Yield the place of each paper whose title asks, and of at most 8 like it by TF-IDF."""
    asking = [place for place, one in enumerate(papers) if one["title"].strip().endswith("?")]
    if not asking:
        return
    # Of the extra `train`, and only needed here.
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        stop_words="english", sublinear_tf=True, min_df=2, max_features=60000
    )
    table = vectorizer.fit_transform([one["title"] + " " + one["abstract"] for one in papers])
    titles = vectorizer.transform([papers[place]["title"] for place in asking])
    likeness = (titles @ table.T).tocsr()
    for row, place in enumerate(asking):
        found = likeness[row]
        order = found.indices[np.argsort(-found.data)]
        yield place, [int(one) for one in order[:12] if one != place][:8]


def _sentences(papers: Sequence[Any]) -> list[str]:
    texts = [" ".join(paper["abstract"].split()) for paper in papers]
    return [text[start:end] for text in texts for start, end in split_sentences(text)]


def _by_words(sentences: Sequence[str], question: str) -> list[str]:
    """Return the sentences by the longer words they share with the question, for their length."""
    wanted = {word.lower() for word in _LONG_WORD.findall(question)}

    def shared(sentence: str) -> float:
        words = {word.lower() for word in _LONG_WORD.findall(sentence)}
        return float(len(wanted & words) / (6 + len(sentence.split())) ** 0.5)

    return sorted(sentences, key=shared, reverse=True)
