"""Whether an answer's citations are right: by the gold papers, and by what they entail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.errors import ModelError
from evals.questions import Question
from evals.scoring.base import Answer, Score, abstained, cited_papers, share, unscored
from evals.scoring.entailment import Entailment, Premise, entails


@dataclass(frozen=True, kw_only=True)
class GoldCitationPrecision:
    """The share of an answer's citations whose paper is a gold one."""

    name: str = "gold_citation_precision"

    def score(self, question: Question, answer: Answer) -> Score:
        """Count citations, one paper cited twice counting twice."""
        cited = cited_papers(answer)
        if not question.gold or abstained(answer) or not cited:
            return unscored("no gold paper, or nothing cited")
        right = sum(key in question.gold_keys for key in cited)
        return share(right, len(cited), "citations")


@dataclass(frozen=True, kw_only=True)
class GoldCitationRecall:
    """The share of the gold papers that an answer cites."""

    name: str = "gold_citation_recall"

    def score(self, question: Question, answer: Answer) -> Score:
        """Count gold papers."""
        gold = question.gold_keys
        if not gold or abstained(answer):
            return unscored("no gold paper, or abstained")
        return share(len(gold & set(cited_papers(answer))), len(gold), "papers")


@dataclass(frozen=True, kw_only=True)
class CitedSentence:
    """A sentence of an answer, the sentences it cites, and all that the model could read."""

    text: str
    cited: tuple[Premise, ...]
    read: tuple[Premise, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What entailment says of one sentence: whether it is supported, and which citations count.

    Gao et al., EMNLP 2023 (ALCE): the sentence must be entailed by its citations together. A
    citation counts unless it is irrelevant: it alone doesn't entail the sentence, and the
    others still do without it. None counts where the sentence isn't supported.
    """

    supported: bool
    counting: tuple[bool, ...]


def judge(sentence: CitedSentence, entailment: Entailment) -> Judged:
    """Return what is entailed.

    Raises:
        ModelError: a model that was asked fails.
    """
    cited = sentence.cited
    if not entails(entailment, sentence.text, cited):
        return Judged(supported=False, counting=(False,) * len(cited))
    counting = tuple(
        len(cited) == 1
        or entails(entailment, sentence.text, [one])
        or not entails(entailment, sentence.text, _without(cited, place))
        for place, one in enumerate(cited)
    )
    return Judged(supported=True, counting=counting)


def cited_sentences(answer: Answer) -> list[CitedSentence] | None:
    """Return the sentences of an answer; None where a log doesn't hold them."""
    if "claims" not in answer or "evidence" not in answer:
        return None
    cited: dict[str, dict[Premise, None]] = {}
    for one in answer["citations"]:
        cited.setdefault(one["claim"], {})[_premise(one)] = None
    read = tuple(map(_premise, answer["evidence"]))
    return [
        CitedSentence(text=claim["text"], cited=tuple(cited.get(claim["text"], ())), read=read)
        for claim in answer["claims"]
    ]


Measure = Callable[[Sequence[CitedSentence], Entailment], Score]


@dataclass(frozen=True, kw_only=True)
class ByEntailment:
    """A score of an answer's sentences for which an entailment function is asked."""

    name: str
    measure: Measure
    entailment: Entailment

    def score(self, _question: Question, answer: Answer) -> Score:
        """Judge each sentence, whatever was asked."""
        if abstained(answer):
            return unscored("abstained")
        sentences = cited_sentences(answer)
        if not sentences:
            return unscored("the log holds no sentences" if sentences is None else "no sentence")
        try:
            return self.measure(sentences, self.entailment)
        except ModelError as error:
            return unscored(str(error))


def alce_recall(sentences: Sequence[CitedSentence], entailment: Entailment) -> Score:
    """Return the share of the sentences that their citations together entail."""
    judged = [judge(one, entailment) for one in sentences]
    return share(sum(one.supported for one in judged), len(judged), "sentences")


def alce_precision(sentences: Sequence[CitedSentence], entailment: Entailment) -> Score:
    """Return the share of the citations that count."""
    counting = [value for one in sentences for value in judge(one, entailment).counting]
    return (
        share(sum(counting), len(counting), "citations") if counting else unscored("nothing cited")
    )


def alce_f1(sentences: Sequence[CitedSentence], entailment: Entailment) -> Score:
    """Return the harmonic mean of the two; 0 where nothing is cited, or nothing supported."""
    recall = alce_recall(sentences, entailment).value or 0.0
    precision = alce_precision(sentences, entailment).value or 0.0
    total = precision + recall
    return Score(value=2 * precision * recall / total if total else 0.0)


def unsupported(sentences: Sequence[CitedSentence], entailment: Entailment) -> Score:
    """Return the share of the sentences that nothing supports.

    Neither their citations together nor any one sentence that the model could read. Where
    only the citation is wrong, ALCE's recall says so.
    """

    def is_bare(sentence: CitedSentence) -> bool:
        candidates = [sentence.cited, *((one,) for one in sentence.read)]
        return not any(entails(entailment, sentence.text, some) for some in candidates)

    bare = [one.text for one in sentences if is_bare(one)]
    reason = f"unsupported: {' / '.join(bare)}" if bare else "all supported"
    return Score(value=len(bare) / len(sentences), reason=reason)


BY_ENTAILMENT: Mapping[str, Measure] = {
    "alce_citation_precision": alce_precision,
    "alce_citation_recall": alce_recall,
    "alce_citation_f1": alce_f1,
    "unsupported": unsupported,
}


def _without(cited: tuple[Premise, ...], place: int) -> tuple[Premise, ...]:
    return cited[:place] + cited[place + 1 :]


def _premise(record: Mapping[str, Any]) -> Premise:
    return Premise(text=record["sentence"], title=record["paper"]["title"])
