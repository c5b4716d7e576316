"""`python -m evals pubmedqa` and `run --suite`: decisions by hand, and a small collection."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from assistant.app import Assistant
from assistant.errors import ModelError
from assistant.settings import Settings
from assistant.types import Message
from evals.__main__ import main
from evals.chat_server import ChatServer, server_of, shares
from evals.commands.suites import dispatched
from evals.pubmedqa.deciding import (
    ByModel,
    ByVerifier,
    ModelShares,
    Reading,
    Verdict,
    WithoutBias,
    as_claim,
)
from evals.pubmedqa.suite import MAJORITY, figures, report
from evals.verifier.judge import Memory
from tests.fakes import Behaviour, FakeServer, counting, prompt_of, says
from tests.samples import HIVE, SAMPLE, TIDEPOOL, TWIGNET

READING = Reading(
    id="a", question="Do bees fly?", truth="yes", evidence=("Bees fly.",), is_right=True
)


def likely(*pairs: tuple[str, float], empty: tuple[tuple[str, float], ...] = ()) -> Behaviour:
    """Reply with one token of these probabilities; `empty` are those of a question without any."""

    def behave(handler: Any, body: dict[str, Any]) -> None:
        chosen = empty if empty and "Question: N/A" in prompt_of(body) else pairs
        top = [
            {"token": token, "logprob": math.log(share), "bytes": None} for token, share in chosen
        ]
        logprobs = {"content": [{**top[0], "top_logprobs": top}], "refusal": None}
        choice = {
            "index": 0, "finish_reason": "stop", "logprobs": logprobs,
            "message": {"role": "assistant", "content": chosen[0][0]},
        }  # fmt: skip
        reply = {"id": "c", "object": "chat.completion", "created": 0, "model": "fake"}
        handler.answer(200, "application/json", json.dumps({**reply, "choices": [choice]}).encode())

    return behave


@pytest.fixture
def chat(server: FakeServer) -> ChatServer:
    return ChatServer(base_url=server.address, model="fake-model")


def test_shares_of_words_by_hand() -> None:
    def candidate(token: str, share: float) -> SimpleNamespace:
        return SimpleNamespace(token=token, logprob=math.log(share))

    found = shares(
        [candidate(" Yes", 0.3), candidate("may", 0.15), candidate("Maybe", 0.05),
         candidate("no", 0.1), candidate("m", 0.2), candidate("The", 0.2)],
        ("yes", "no", "maybe"),
    )  # fmt: skip
    assert found == pytest.approx({"yes": 0.5, "no": 1 / 6, "maybe": 1 / 3})
    assert shares([candidate("The", 1.0)], ("yes", "no")) is None


def test_server_is_asked_for_one_word(server: FakeServer, chat: ChatServer) -> None:
    server.will(likely(("Yes", 0.6), ("no", 0.2)))
    found = chat.word_probabilities([Message(role="user", content="?")], ("yes", "no"))
    assert found == pytest.approx({"yes": 0.75, "no": 0.25})
    (body,) = server.bodies
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 10)
    assert body["temperature"] == 0


def test_server_of_an_assistant(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, models=tmp_path, offline=True)
    with Assistant(settings, openai_base_url="http://127.0.0.1:1/v1", openai_api_key="k") as found:
        assert server_of(found) == ChatServer(
            base_url="http://127.0.0.1:1/v1", model="gpt-4.1-mini", api_key="k"
        )
    with Assistant(settings, model="extractive") as found, pytest.raises(ModelError, match="had"):
        server_of(found)


def test_model_decides_and_its_bias_is_taken_out(
    server: FakeServer, chat: ChatServer, tmp_path: Path
) -> None:
    server.will(
        likely(("yes", 0.6), ("no", 0.3), ("maybe", 0.1),
               empty=(("yes", 0.8), ("no", 0.1), ("maybe", 0.1)))
    )  # fmt: skip
    asked = ModelShares(chat, Memory(tmp_path / "verdicts.npz"))
    assert ByModel(shares=asked).decide(READING) == "yes"
    assert WithoutBias(shares=asked).decide(READING) == "no"  # 0.75, 3 and 1
    assert len(server.bodies) == 2
    assert prompt_of(server.bodies[0]) == (
        "Sentences from paper abstracts:\n[1] Bees fly.\n\nQuestion: Do bees fly?\n\n"
        "Answer the question from these sentences with one word: yes, no or maybe."
    )
    asked.save()
    again = ModelShares(chat, Memory(tmp_path / "verdicts.npz"))
    assert ByModel(shares=again).decide(READING) == "yes"
    assert len(server.bodies) == 2


def test_model_without_log_probabilities_is_refused(server: FakeServer, chat: ChatServer) -> None:
    server.will(says("yes"))
    with pytest.raises(ModelError, match="no log-probabilities"):
        ByModel(shares=ModelShares(chat, Memory(None))).decide(READING)


@pytest.mark.parametrize(
    ("question", "claim"),
    [
        ("Do bees return in fog?", "bees return in fog"),
        ("Is it safe?", "it safe"),
        ("Bees in fog: do they return?", "Bees in fog: do they return"),
        ("Issues of safety?", "Issues of safety"),
    ],
)
def test_question_as_claim(question: str, claim: str) -> None:
    assert as_claim(question) == claim


def test_verifier_says_yes_unless_contradicted() -> None:
    decider = ByVerifier(verifier=counting())
    assert decider.decide(READING) == "yes"
    nothing = Reading(id="b", question="Do bees fly?", truth="no", evidence=(), is_right=False)
    assert decider.decide(nothing) == "maybe"


def test_figures_by_hand() -> None:
    truth: list[Verdict] = ["yes", "yes", "no", "maybe"]
    readings = [
        Reading(id=str(n), question="?", truth=one, evidence=(), is_right=n != 3)
        for n, one in enumerate(truth)
    ]
    found = figures(readings, {"model": ["yes", "no", "no", "yes"]})
    assert (found["n"], found["right_abstract_first"]) == (4, 0.75)
    own = found["deciders"]["model"]
    assert own["accuracy"] == 0.5
    # yes: 2·1/(2+2); no: 2·1/(1+2); maybe: 0.
    assert own["macro_f1"] == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert own["confusion"]["yes"] == {"yes": 1, "no": 1, "maybe": 0}
    always = found["deciders"][MAJORITY]
    assert (always["accuracy"], always["macro_f1"]) == (0.5, pytest.approx(2 / 9))
    assert "  maybe: said yes 1, no 0, maybe 0" in report("x", found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a collection of three questions on the sample papers."""
    found = tmp_path / "small"
    found.mkdir()
    (found / "corpus.jsonl").write_text(
        "".join(
            json.dumps({"id": one.id, "title": "", "abstract": one.abstract}) + "\n"
            for one in SAMPLE
        )
    )
    asked = [
        (HIVE, "Did most bees follow hedges in dense fog?", "yes"),
        (TIDEPOOL, "Does recall fall when neighbouring harbours are added?", "no"),
        (TWIGNET, "Is pruning at initialization harmless on ImageNet?", "maybe"),
    ]
    (found / "queries.jsonl").write_text(
        "".join(
            json.dumps({"id": paper.id, "text": text, "answer": answer}) + "\n"
            for paper, text, answer in asked
        )
    )
    (found / "qrels.tsv").write_text("".join(f"{one.id}\t{one.id}\t1\n" for one, _, _ in asked))
    return found


def test_command_finds_the_abstract_and_decides(
    folder: Path,
    tmp_path: Path,
    models_folder: Path,
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    monkeypatch.setenv("OPENAI_BASE_URL", server.address)
    server.will(likely(("Yes", 0.6), ("No", 0.3), ("Maybe", 0.1)))
    arguments = ["pubmedqa", str(folder), "--cache", str(tmp_path / "cache")]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["small"]
    assert (found["n"], found["right_abstract_first"]) == (3, 1.0)
    assert found["deciders"]["chat model"]["accuracy"] == pytest.approx(1 / 3)
    assert set(found["deciders"]) == {
        MAJORITY, "verifier", "chat model", "chat model, its bias taken out"
    }  # fmt: skip
    asked = len(server.bodies)
    assert asked == 4  # three questions, and the one without content
    shown = CliRunner().invoke(main, ["run", "--suite", "pubmedqa", *arguments[1:]])
    assert shown.exit_code == 0, shown.output
    assert "small: 3 questions, right abstract first 1.000" in shown.stdout
    assert len(server.bodies) == asked


def test_an_answer_that_is_none_of_the_three_is_refused(folder: Path) -> None:
    path = folder / "queries.jsonl"
    path.write_text(path.read_text().replace('"maybe"', '"perhaps"'))
    done = CliRunner().invoke(main, ["pubmedqa", str(folder), "--model", "extractive"])
    assert done.exit_code == 1
    assert "the answer is 'perhaps'" in done.stderr


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["run", "--suite", "hostile", "--limit", "3"], ["hostile", "--limit", "3"]),
        (["run", "--limit", "3", "--suite=peers"], ["peers", "--limit", "3"]),
        (["run", "--suite", "fixed", "--limit", "3"], ["run", "--suite", "fixed", "--limit", "3"]),
        (["run", "--suite", "oracle"], ["run", "--suite", "oracle"]),
        (["score", "--suite", "hostile"], ["score", "--suite", "hostile"]),
        ([], []),
    ],
)
def test_suite_names_another_command(given: list[str], meant: list[str]) -> None:
    assert dispatched(given) == meant


def test_unknown_suite_is_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(main, ["run", "--suite", "oracle"])
    assert done.exit_code == 2
    assert "'retrieval'" in done.stderr
