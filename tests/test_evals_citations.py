"""Citations by entailment: ALCE's definitions by hand, and the functions that judge."""

from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.settings import Settings
from evals.questions import Question
from evals.scoring import Scoring
from evals.scoring.citations import CitedSentence, alce_f1, alce_precision, alce_recall, judge
from evals.scoring.citations import unsupported as share_unsupported
from evals.scoring.entailment import Premise, Verified, by_features, entails, opened
from evals.solver import Case
from tests import fakes
from tests.fakes import FakeServer

A, B, C = (Premise(text=letter, title=letter) for letter in "abc")
QUESTION = Question(id="q", type="single", question="?")


class Told:
    """An entailment function that is told which premises entail which claim."""

    name = "told"

    def __init__(self, **entailed):
        self.entailed = {claim: set(sets) for claim, sets in entailed.items()}
        self.asked = []

    def probability(self, claim, premises):
        letters = "".join(one.text for one in premises)
        self.asked.append((claim, letters))
        return 0.5 if letters in self.entailed.get(claim, ()) else 0.4999


def judged(cited, *entailing):
    found = judge(CitedSentence(text="s", cited=cited), Told(s=entailing))
    return found.supported, found.counting


@pytest.mark.parametrize(
    ("cited", "entailing", "supported", "counting"),
    [
        ((A,), ["a"], True, (True,)),
        ((A,), [], False, (False,)),
        ((), [], False, ()),
        # Each alone, and so together.
        ((A, B), ["ab", "a", "b"], True, (True, True)),
        # Only together: without either the other isn't enough.
        ((A, B), ["ab"], True, (True, True)),
        # b alone says nothing, and a does without it: b is irrelevant.
        ((A, B), ["ab", "a"], True, (True, False)),
        # Not supported together: nothing counts, though one alone would do.
        ((A, B), ["a"], False, (False, False)),
        # a and b only together; c adds nothing.
        ((A, B, C), ["abc", "ab"], True, (True, True, False)),
    ],
)
def test_alce_by_hand(cited, entailing, supported, counting):
    assert judged(cited, *entailing) == (supported, counting)


SENTENCES = [
    CitedSentence(text="one", cited=(A, B), read=(A, B, C)),
    CitedSentence(text="two", cited=(A,), read=(A, B, C)),
    CitedSentence(text="three", cited=(), read=(A, B, C)),
    CitedSentence(text="four", cited=(B, C), read=(A, B, C)),
]
TOLD = {"one": ["ab", "a"], "two": ["b"], "three": [], "four": []}


def test_alce_over_an_answer_by_hand():
    told = Told(**TOLD)
    # Sentence one only.
    assert alce_recall(SENTENCES, told).value == 1 / 4
    # Of five citations the first.
    assert alce_precision(SENTENCES, told).value == 1 / 5
    assert alce_f1(SENTENCES, told).value == pytest.approx(2 * (1 / 4) * (1 / 5) / (1 / 4 + 1 / 5))
    # Two cites the wrong sentence, but there is a right one; nothing says three and four.
    assert share_unsupported(SENTENCES, told).value == 2 / 4


def test_without_citations_precision_is_not_scored_and_f1_is_zero():
    told = Told()
    assert alce_recall(SENTENCES[2:3], told).value == 0.0
    assert alce_precision(SENTENCES[2:3], told).value is None
    assert alce_f1(SENTENCES[2:3], told).value == 0.0


def answer(claims, citations, status="answered"):
    """Return an answer of claims and (claim, sentence) citations; a, b and c were read."""
    return {
        "text": " ".join(claims),
        "status": status,
        "claims": [{"text": claim} for claim in claims],
        "citations": [
            {"claim": claim, "sentence": text, "paper": {"title": text}}
            for claim, text in citations
        ],
        "evidence": [{"sentence": text, "paper": {"title": text}} for text in "abc"],
        "seconds": {"total": 1.0},
        "trace": {"hits": []},
    }


def scores(given, entailment):
    case = Case(id="q", answer=given, error="", seconds=1.0)
    found = Scoring(entailment=entailment).score(QUESTION, case)
    names = ("alce_citation_recall", "alce_citation_precision", "alce_citation_f1", "unsupported")
    return [found[name] for name in names]


def test_the_sentences_of_an_answer_are_put_together_from_its_claims_and_citations():
    pairs = [("one", "a"), ("one", "b"), ("two", "a"), ("four", "b"), ("four", "c")]
    found = scores(answer(["one", "two", "three", "four"], pairs), Told(**TOLD))
    assert [one.value for one in found] == [1 / 4, 1 / 5, pytest.approx(2 / 9), 2 / 4]
    assert found[0].reason == "1 of 4 sentences"
    assert found[3].reason == "unsupported: three / four"


def test_a_sentence_cited_twice_for_a_claim_counts_once():
    found = scores(answer(["one"], [("one", "a"), ("one", "a")]), Told(one=["a"]))
    assert [one.value for one in found] == [1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    "given",
    [
        answer(["one"], [], status="abstained"),
        answer([], []),
        {name: part for name, part in answer(["one"], []).items() if name != "claims"},
    ],
)
def test_what_has_no_sentences_is_not_scored(given):
    assert [one.value for one in scores(given, Told())] == [None] * 4


def test_where_a_model_fails_nothing_is_scored():
    class Broken:
        name = "broken"

        def probability(self, claim, premises):
            raise ModelError("no model")

    found = scores(answer(["one"], [("one", "a")]), Broken())
    assert [(one.value, one.reason) for one in found] == [(None, "no model")] * 4


# --- the functions --------------------------------------------------------------------------

REMOVES = Premise(text="TwigNet removes 92% of the weights of a ResNet-50.", title="TwigNet")
BEES = Premise(text="Most bees followed hedges and ditches instead of the sun.", title="Bees")


def test_counting_tells_what_is_said_from_what_is_not():
    count = by_features()
    assert count.probability(REMOVES.text, [REMOVES]) == 1.0
    assert entails(count, "TwigNet removes 92% of a ResNet-50's weights.", [REMOVES])
    assert not entails(count, "TwigNet removes 95% of a ResNet-50's weights.", [REMOVES])
    assert not entails(count, REMOVES.text, [BEES])
    assert not entails(count, REMOVES.text, [])


def test_each_judgement_is_made_once():
    asked = []

    def embed(texts):
        asked.append(list(texts))

    given = fakes.counting()
    given._embed = embed
    verified = Verified("counted", given)
    for _ in range(3):
        verified.probability("TwigNet keeps 8% of all the weights.", [REMOVES, BEES])
    assert len(asked) == 1
    verified.probability("TwigNet keeps 8% of all the weights.", [BEES, REMOVES])
    assert len(asked) == 2
    # Word for word: nobody need be asked.
    assert verified.probability(REMOVES.text, [BEES, REMOVES]) == 1.0
    assert len(asked) == 2


def settings(tmp_path: Path, **more) -> Settings:
    values = {"home": tmp_path, "models": tmp_path / "none", "offline": True}
    return Settings(**{**values, "model": "extractive", **more})


def test_the_verifier_loads_nothing_for_words_that_stand_there(tmp_path: Path) -> None:
    with opened("verifier", settings(tmp_path)) as verifier:
        assert verifier.probability(REMOVES.text, [REMOVES]) == 1.0
        for _ in range(2):
            with pytest.raises(ModelError, match="--entailment features"):
                verifier.probability("TwigNet keeps 8% of all the weights.", [REMOVES])


def test_the_verifier_is_the_products_own(tmp_path: Path, models_folder: Path) -> None:
    from assistant.app import Assistant

    claim = "A ResNet-50 loses 92% of its weights by TwigNet's pruning."
    chosen = settings(tmp_path, models=models_folder)
    with opened("verifier", chosen) as verifier, Assistant(chosen) as assistant:
        ours = assistant._answering._verifier
        expected = ours.support(claim, [REMOVES.text, BEES.text], title="TwigNet Bees").score
        assert verifier.probability(claim, [REMOVES, BEES]) == pytest.approx(expected)


def test_the_chat_model_is_asked_where_the_others_are_unsure(
    tmp_path: Path, models_folder: Path, server: FakeServer
) -> None:
    online = settings(
        tmp_path,
        models=models_folder,
        model="openai",
        openai_base_url=server.address,
        openai_model="fake",
    )
    claim = "The pruned ResNet-50 is left with a small part of what it had."
    found = []
    for yes in (0.001, 0.999):
        server.will(fakes.says_yes(0.1), fakes.says_yes(yes))  # without evidence, then with it
        with opened("model", online) as function:
            found.append(function.probability(claim, [REMOVES]))
    assert REMOVES.text in server.bodies[-1]["messages"][-1]["content"]
    assert found[0] < found[1]


def test_without_a_chat_model_there_is_none_to_ask(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="ASSISTANT_MODEL"), opened("model", settings(tmp_path)):
        pass
