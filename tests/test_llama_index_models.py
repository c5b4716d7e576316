"""The assistant among llama-index's own: its LLMs and embeddings in, our answers out."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field
from llama_index.core.evaluation import (
    BatchEvalRunner,
    FaithfulnessEvaluator,
    RetrieverEvaluator,
)
from llama_index.core.llms import (
    CompletionResponse,
    CompletionResponseGen,
    CustomLLM,
    LLMMetadata,
    MockLLM,
)
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.selectors import LLMSingleSelector

from assistant import Assistant
from assistant.cancellation import Cancellation
from assistant.errors import CancelledError, ModelError
from tests.fakes import WordEmbedder
from tests.samples import HIVE, SAMPLE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50 [1]."


class Saying(CustomLLM):
    """An LLM of llama-index that says what it is told, one reply a call; the last stays."""

    replies: list[str]
    asked: list[str] = Field(default_factory=list)
    wait: float = 0.0
    fault: str = ""
    usage: dict[str, int] = Field(default_factory=dict)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="saying")

    def _next(self, prompt: str) -> str:
        self.asked.append(prompt)
        if self.fault:
            raise RuntimeError(self.fault)
        time.sleep(self.wait)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self._next(prompt))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        reply = self._next(prompt)

        def pieces() -> CompletionResponseGen:
            for end in range(5, len(reply) + 5, 5):
                yield CompletionResponse(
                    text=reply[:end], delta=reply[end - 5 : end], raw={"usage": self.usage}
                )

        return pieces()


class Words(BaseEmbedding):
    """An embedding of llama-index: vectors of hashed words, at length 3."""

    def _get_text_embedding(self, text: str) -> list[float]:
        row: list[float] = (3 * WordEmbedder().embed([text])[0]).tolist()
        return row

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def reopened(assistant: Assistant, **more: Any) -> Assistant:
    """Return another assistant over the same library."""
    return Assistant(assistant.settings, **more)


# --- their models in ours -------------------------------------------------------------------


def test_any_llm_writes_and_is_verified(quoting: Library) -> None:
    llm = Saying(replies=[f"{REMOVES} TwigNet flies to the moon [1]."])
    llm.usage = {"prompt_tokens": 40, "completion_tokens": 9}
    with reopened(quoting(), llm=llm) as assistant:
        answer = assistant.ask(QUESTION)
    assert answer.model == "saying"
    assert answer.text == REMOVES
    assert answer.status == "partial"
    assert answer.trace.tokens == {
        "requests": 1, "unreported": 0, "prompt": 40, "completion": 9
    }  # fmt: skip
    assert "TwigNet removes 92%" in llm.asked[0]


def test_an_llm_that_cannot_stream_is_asked_whole(quoting: Library) -> None:
    class Whole(Saying):
        def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    with reopened(quoting(), llm=Whole(replies=[REMOVES])) as assistant:
        answer = assistant.ask(QUESTION)
    assert answer.text == REMOVES
    assert answer.trace.tokens == {"requests": 1, "unreported": 1}


def test_the_llm_that_says_nothing_new_is_no_crash(quoting: Library) -> None:
    with reopened(quoting(answerable_at=0.0), llm=MockLLM(max_tokens=3)) as assistant:
        assert assistant.ask(QUESTION).status in ("answered", "partial")


def test_a_failing_llm_leaves_the_papers_words_and_no_key(quoting: Library) -> None:
    llm = Saying(replies=[""], fault="401: key sk-secret is wrong")
    with reopened(quoting(), llm=llm) as assistant:
        answer = assistant.ask(QUESTION)
    assert answer.model == "extractive"
    assert "saying failed (RuntimeError); check its key" in answer.notices[0]
    assert "sk-secret" not in answer.to_json()


def test_a_slow_llm_is_left_in_time(quoting: Library) -> None:
    llm = Saying(replies=[REMOVES], wait=30.0)
    since = time.monotonic()
    with reopened(quoting(answer_timeout=0.5), llm=llm) as assistant:
        answer = assistant.ask(QUESTION)
    assert time.monotonic() - since < 20
    assert "didn't finish in time (0 s)" in answer.notices[0]


def test_a_slow_llm_is_left_on_cancellation(quoting: Library) -> None:
    llm = Saying(replies=[REMOVES], wait=30.0)
    cancellation = Cancellation()
    with reopened(quoting(), llm=llm) as assistant:
        events = assistant.stream(QUESTION, cancellation=cancellation)
        threading.Timer(0.3, cancellation.cancel).start()
        since = time.monotonic()
        with pytest.raises(CancelledError):
            list(events)
    assert time.monotonic() - since < 20


def test_any_embedding_makes_the_librarys_vectors(library: Library) -> None:
    empty = library([], answerable_at=0.0)
    with reopened(empty, embed_model=Words()) as assistant:
        assistant.add_papers(SAMPLE)
        assert assistant.library.embedder_name == "llama-index:Words"
        assert assistant.passage_count() == len(SAMPLE)
        assert assistant.search("honeybees fog")[0].scores["dense"] > 0.3
        answer = assistant.ask(QUESTION)
        assert answer.notices == ()
        assert answer.citations[0].evidence.paper == TWIGNET
    # Without the object its vectors can't be searched, and that is said.
    answer = empty.ask(QUESTION)
    assert any("Assistant(embed_model=…)" in notice for notice in answer.notices)
    assert empty.reembed() == len(SAMPLE)
    assert empty.library.embedder_name == "all-MiniLM-L6-v2"


def test_an_embedding_takes_over_a_library_by_reembedding(library: Library) -> None:
    first = library(SAMPLE)
    with reopened(first, embed_model=Words()) as assistant:
        assert assistant.library.embedder_name == "all-MiniLM-L6-v2"
        assert assistant.reembed() == len(SAMPLE)
        assert assistant.library.embedder_name == "llama-index:Words"
        assert assistant.search("honeybees fog")[0].paper == HIVE


def test_what_is_no_model_is_named(quoting: Library) -> None:
    with pytest.raises(ModelError, match=r"embed_model= takes .* not a str"):
        reopened(quoting(), embed_model="words")
    with reopened(quoting(), llm="gpt") as assistant, pytest.raises(ModelError, match="not a str"):
        assistant.ask(QUESTION)


def test_an_embedding_that_fails_or_gives_nonsense_is_a_model_error() -> None:
    from assistant.adapters.llama_index_embedder import as_embedder

    class Nonsense(Words):
        def _get_text_embedding(self, text: str) -> list[float]:
            raise RuntimeError("sk-secret")

    with pytest.raises(ModelError, match=r"Nonsense failed \(RuntimeError\)"):
        as_embedder(Nonsense()).embed(["a"])
    good = as_embedder(Words())
    assert good.embed([]).shape == (0, 256)
    assert good.embed(["", "two"]).shape == (2, 256)
    assert as_embedder(WordEmbedder()).name == "words"


# --- ours in theirs -------------------------------------------------------------------------


def test_query_engine_gives_verified_answers_with_their_sentences(quoting: Library) -> None:
    engine = quoting(answerable_at=0.0).as_query_engine()
    response = engine.query(QUESTION)
    assert "[1]" in response.response
    node = response.source_nodes[0].node
    assert node.metadata["paper_id"] == TWIGNET.id
    assert node.metadata["number"] == 1
    assert node.text == TWIGNET.abstract[node.metadata["start"] : node.metadata["end"]]
    assert response.metadata["status"] == "answered"
    assert f"[1] {TWIGNET.title} (2021)" in str(response)
    again = asyncio.run(engine.aquery(QUESTION))
    assert again.response == response.response


def test_filters_hold_for_all_three(quoting: Library) -> None:
    assistant = quoting(answerable_at=0.0)
    only = "author:apis"
    nodes = assistant.as_retriever(3, where=only).retrieve(QUESTION)
    assert {node.metadata["paper_id"] for node in nodes} == {HIVE.id}
    response = assistant.as_query_engine(where=only).query("Where do honeybees return?")
    assert {node.metadata["paper_id"] for node in response.source_nodes} == {HIVE.id}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # llama-index's own
def test_an_agent_uses_the_tool_and_sees_the_sources(quoting: Library) -> None:
    call = (
        "Thought: I need the papers.\n"
        "Action: paper_library\n"
        f'Action Input: {{"input": "{QUESTION}"}}'
    )
    llm = Saying(replies=[call, "Thought: I can answer.\nAnswer: It removes 92% [1]."])

    async def main() -> str:
        tool = quoting(answerable_at=0.0).as_tool()
        agent = ReActAgent(tools=[tool], llm=llm, streaming=False)
        return str(await agent.run(user_msg=QUESTION))

    assert asyncio.run(main()) == "It removes 92% [1]."
    assert "cites them by number" in llm.asked[0]
    assert f"[1] {TWIGNET.title}" in llm.asked[1]


def test_a_router_chooses_the_tool(quoting: Library) -> None:
    assistant = quoting(answerable_at=0.0)
    llm = Saying(replies=['[{"choice": 2, "reason": "papers"}]'])
    other = assistant.as_tool("weather", "The weather.", where="author:nobody")
    engine = RouterQueryEngine(
        selector=LLMSingleSelector.from_defaults(llm=llm),
        query_engine_tools=[other, assistant.as_tool()],
        llm=llm,
    )
    assert engine.query(QUESTION).source_nodes[0].metadata["paper_id"] == TWIGNET.id


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # llama-index's own
def test_evaluators_read_the_answers(quoting: Library) -> None:
    engine = quoting(answerable_at=0.0).as_query_engine()
    judge = Saying(replies=["YES"])
    faithful = FaithfulnessEvaluator(llm=judge)
    assert faithful.evaluate_response(query=QUESTION, response=engine.query(QUESTION)).passing
    assert "TwigNet removes 92%" in judge.asked[0]
    runner = BatchEvalRunner({"faithful": faithful}, workers=2)
    found = asyncio.run(runner.aevaluate_queries(engine, queries=[QUESTION]))
    assert [one.passing for one in found["faithful"]] == [True]


def test_retriever_is_evaluated_by_node_ids(quoting: Library) -> None:
    retriever = quoting().as_retriever(3)
    node = retriever.retrieve("TwigNet pruning")[0].node
    evaluator = RetrieverEvaluator.from_metric_names(["hit_rate", "mrr"], retriever=retriever)
    result = evaluator.evaluate(query="TwigNet pruning", expected_ids=[node.node_id])
    assert result.metric_vals_dict == {"hit_rate": 1.0, "mrr": 1.0}
