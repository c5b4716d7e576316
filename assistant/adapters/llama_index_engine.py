"""Questions to the library in llama-index's forms: a query engine, and a tool for agents."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import Response
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import QueryEngineTool, ToolMetadata

from assistant.adapters.llama_index_retrieval import node_of
from assistant.types import Answer

DESCRIPTION = (
    "Answers a question from a library of scientific paper abstracts. Every sentence of the answer "
    "was checked against the papers and cites them by number; it says so where they don't answer. "
    "Give it one whole question in plain words."
)


@dataclass
class CitedResponse(Response):
    """A response whose text an agent sees with the sentences behind each number."""

    sources: str = ""

    def __str__(self) -> str:
        """Return the text, then its sources."""
        return f"{self.response}\n{self.sources}".rstrip("\n")


class AnswerEngine(BaseQueryEngine):
    """Gives the assistant's verified answers; source nodes are the sentences cited, in order."""

    def __init__(
        self, ask: Callable[[str], Answer], aask: Callable[[str], Awaitable[Answer]]
    ) -> None:
        """Take what answers, and what answers in an event loop."""
        super().__init__(callback_manager=None)
        self._ask = ask
        self._aask = aask

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}

    def _query(self, query_bundle: QueryBundle) -> Response:
        return _response(self._ask(query_bundle.query_str))

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return _response(await self._aask(query_bundle.query_str))


class AnswerTool(QueryEngineTool):
    """The engine as a tool for llama-index's agents and routers."""

    def __init__(self, engine: AnswerEngine, name: str, description: str) -> None:
        """Name the tool; an empty description takes the usual one."""
        super().__init__(engine, ToolMetadata(name=name, description=description or DESCRIPTION))


def _response(answer: Answer) -> Response:
    nodes = [
        NodeWithScore(
            node=_numbered(node_of(one.evidence.passage), number), score=one.support.score
        )
        for number, one in answer.sources().items()
    ]
    return CitedResponse(
        response=answer.text,
        source_nodes=nodes,
        metadata={
            "status": answer.status,
            "confidence": answer.confidence,
            "model": answer.model,
            "answer": answer.to_dict(),
        },
        sources=answer.sources_text(),
    )


def _numbered(node: TextNode, number: int) -> TextNode:
    node.metadata["number"] = number
    return node
