"""A chat model as a judge of claims: by its word, or by its adapter where it has one."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import pytest

from assistant.adapters.local_llm import shipped_adapter
from assistant.adapters.openai_chat import OpenAIChat
from assistant.answering.judging import judge_by, judging_prompts
from assistant.app.breaker import Breaker, Guarded
from assistant.errors import ModelError
from assistant.grounding.odds import log_odds
from assistant.types import Message
from tests import fakes
from tests.fakes import FakeServer, Scripted

CLAIM, TEXT = "Bees fly.", "Bees fly in fog."


class Judging(Scripted):
    """A chat model that says yes by its adapter and no without it, or fails."""

    def __init__(self, *, is_adapted: bool, fails: bool = False) -> None:
        super().__init__("")
        self.is_adapted = is_adapted
        self.fails = fails
        self.asked: list[str] = []

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        self.asked.append(messages[-1].content)
        if self.fails:
            raise ModelError("The server failed.")
        return 0.9 if adapted else 0.2


class OfTheUser:
    """A chat model of the user's own, from before there were adapters."""

    name = "theirs"
    is_small = False

    def yes_probability(self, messages: Sequence[Message]) -> float | None:
        return 0.3

    def metered(self, tokens: Counter[str], cancellation: object = None) -> "OfTheUser":
        return self


def test_an_adapter_judges_where_there_is_one() -> None:
    model = Judging(is_adapted=True)
    judge = judge_by(model, judging_prompts(), forgiving=False)
    assert (judge.tier, judge.is_asked_always) == ("adapted chat model", True)
    assert judge.finds(CLAIM, TEXT) == {"own": log_odds(0.9)}
    assert model.asked == [f"Passage: {TEXT}\nClaim: {CLAIM}"]


def test_another_model_judges_by_its_word_with_and_without_the_evidence() -> None:
    model = Judging(is_adapted=False)
    judge = judge_by(model, judging_prompts(), forgiving=False)
    assert (judge.tier, judge.is_asked_always) == ("chat model", False)
    assert judge.finds(CLAIM, TEXT) == {"own": log_odds(0.2), "prior": log_odds(0.2)}
    assert [TEXT in one for one in model.asked] == [False, True]


@pytest.mark.parametrize("is_adapted", [True, False])
def test_a_failure_is_told_or_forgiven(*, is_adapted: bool) -> None:
    model = Judging(is_adapted=is_adapted, fails=True)
    assert judge_by(model, judging_prompts(), forgiving=True).finds(CLAIM, TEXT) is None
    with pytest.raises(ModelError):
        judge_by(model, judging_prompts(), forgiving=False).finds(CLAIM, TEXT)


def test_a_guarded_model_keeps_its_adapter() -> None:
    guarded = Guarded(Judging(is_adapted=True), Breaker())
    assert guarded.is_adapted
    assert guarded.yes_probability([Message(role="user", content="?")], adapted=True) == 0.9
    assert guarded.yes_probability([Message(role="user", content="?")]) == 0.2


def test_a_breaker_counts_an_adapter_that_fails() -> None:
    breaker = Breaker()
    guarded = Guarded(Judging(is_adapted=True, fails=True), breaker)
    for _ in range(3):
        with pytest.raises(ModelError):
            guarded.yes_probability([Message(role="user", content="?")], adapted=True)
    assert breaker.notice()


def test_a_model_that_knows_nothing_of_adapters_is_asked_as_ever() -> None:
    guarded = Guarded(OfTheUser(), Breaker())  # type: ignore[arg-type]
    judge = judge_by(guarded, judging_prompts(), forgiving=False)
    assert judge.tier == "chat model"
    assert judge.finds(CLAIM, TEXT) == {"own": log_odds(0.3), "prior": log_odds(0.3)}


def test_every_request_says_whether_the_adapter_is_used(server: FakeServer) -> None:
    server.will(fakes.says_yes(0.9), fakes.says_yes(0.9), fakes.says("Bees."))
    chat = OpenAIChat(
        model="m", api_key="", base_url=server.address, timeout=5, is_small=True, is_adapted=True
    )
    messages = [Message(role="user", content="?")]
    chat.yes_probability(messages)
    chat.yes_probability(messages, adapted=True)
    assert "".join(chat.stream(messages, 9)) == "Bees."
    assert [body["lora"] for body in server.bodies] == [
        [{"id": 0, "scale": scale}] for scale in (0.0, 1.0, 0.0)
    ]
    chat.end()


def test_a_server_without_adapters_hears_of_none(server: FakeServer) -> None:
    server.will(fakes.says_yes(0.9), fakes.says("Bees."))
    chat = OpenAIChat(model="m", api_key="", base_url=server.address, timeout=5)
    messages = [Message(role="user", content="?")]
    chat.yes_probability(messages)
    assert list(chat.stream(messages, 9))
    assert ["lora" in body for body in server.bodies] == [False, False]
    chat.end()


def test_the_shipped_adapter_is_the_one_of_the_model_card() -> None:
    path = shipped_adapter()
    assert path is not None
    data = path.read_bytes()
    assert data.startswith(b"GGUF")
    card = path.with_name("MODEL_CARD.md").read_text(encoding="utf-8")
    assert hashlib.sha256(data).hexdigest() in card
