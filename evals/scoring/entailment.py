"""Whether sentences entail a claim: the function that the citation scores rest on, by name."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from assistant.errors import ModelError
from assistant.grounding.comparison import compare
from assistant.grounding.judges import Judge
from assistant.grounding.verifier import SUPPORTED_AT, Verifier, load_stages
from assistant.protocols import ChatModel, Embedder, PairClassifier, Vectors
from assistant.settings import Settings

EntailmentName = Literal["features", "verifier", "model"]


@dataclass(frozen=True, kw_only=True)
class Premise:
    """A sentence that may entail a claim, and the title of its paper."""

    text: str
    title: str = ""


class Entailment(Protocol):
    """Reads premises together and judges a claim by them."""

    @property
    def name(self) -> str:
        """What logs and tables call it."""

    def probability(self, claim: str, premises: Sequence[Premise], /) -> float:
        """Return the probability that the premises, read together, entail the claim.

        Raises ModelError where a model that it asks fails.
        """


class Verified:
    """The product's own verifier, each judgement remembered."""

    def __init__(self, name: str, verifier: Verifier, judge: Judge | None = None) -> None:
        """Take the verifier, and the chat model's judgement where its last tier is asked."""
        self.name = name
        self._verifier = verifier
        self._judge = judge
        self._known: dict[tuple[str, tuple[Premise, ...]], float] = {}

    def probability(self, claim: str, premises: Sequence[Premise]) -> float:
        """Return the support that the verifier gives: from 0.5 on it takes the claim as said."""
        key = (claim, tuple(premises))
        if key not in self._known:
            self._known[key] = self._support(claim, premises)
        return self._known[key]

    def _support(self, claim: str, premises: Sequence[Premise]) -> float:
        texts = [one.text for one in premises]
        if any(compare(claim, text, cosine=None).verbatim for text in texts):
            # As every tier would say; no model need be loaded for it.
            return 1.0
        title = " ".join(dict.fromkeys(one.title for one in premises if one.title))
        return self._verifier.support(claim, texts, title=title, judge=self._judge).score


def entails(entailment: Entailment, claim: str, premises: Sequence[Premise]) -> bool:
    """Whether the premises, of which there are some, are found to entail the claim.

    Raises:
        ModelError: a model that was asked fails.
    """
    return bool(premises) and entailment.probability(claim, premises) >= SUPPORTED_AT


def by_features() -> Verified:
    """Return what counts words, figures, names and directions only: no model is loaded."""
    return Verified("features", Verifier(load_stages(), lambda _: None, lambda: None))


@contextmanager
def opened(name: EntailmentName, settings: Settings) -> Iterator[Entailment]:
    """Give the function of this name; its models are loaded where they are first asked.

    "features" counts only, "verifier" also reads with the embedder and the cross-encoder, as
    the product does, and "model" asks the chat model of the settings where those are unsure.

    Raises:
        ModelError: there is no chat model to ask.
    """
    if name == "features":
        yield by_features()
        return
    models = _Models(settings)
    verifier = Verifier(load_stages(), models.embed, models.classifier)
    with ExitStack() as stack:
        judge = _chat_judge(settings, stack) if name == "model" else None
        yield Verified(name, verifier, judge)


class _Models:
    """What the verifier reads with, loaded at the first use; an error is raised each time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedder: Embedder | None = None
        self._classifier: PairClassifier | None = None
        self._error: ModelError | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the texts' vectors."""
        return self._opened()[0].embed(texts)

    def classifier(self) -> PairClassifier:
        """Return the cross-encoder."""
        return self._opened()[1]

    def _opened(self) -> tuple[Embedder, PairClassifier]:
        from assistant.adapters.cross_encoder import open_classifier
        from assistant.adapters.embedders import open_embedder

        if self._error is not None:
            raise self._error
        if self._embedder is None or self._classifier is None:
            settings = self._settings
            try:
                self._classifier = open_classifier(settings.threads)
                self._embedder = open_embedder(settings.embedder, settings, lambda *_: None)
            except ModelError as error:
                self._error = ModelError(f"{error} Or score with '--entailment features'.")
                raise self._error from error
        return self._embedder, self._classifier


def _chat_judge(settings: Settings, stack: ExitStack) -> Judge:
    """Return what asks the settings' chat model, as the product's last tier does."""
    from assistant import Assistant
    from assistant.answering.judging import judge_by, judging_prompts

    model: ChatModel | None = stack.enter_context(Assistant(settings)).chat_model()
    if model is None:
        raise ModelError(
            "'--entailment model' asks a chat model, and there is none; set ASSISTANT_MODEL to "
            "local or openai, or score with '--entailment verifier'."
        )
    return judge_by(model, judging_prompts(), forgiving=False)
