"""OpenTelemetry spans of an answer's stages, with OpenInference's names (extra `otel`).

Sent where OTEL_EXPORTER_OTLP_ENDPOINT names a collector. They hold the question, the answer and
what was read; no key and no address.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from assistant.errors import SettingsError
from assistant.types import Answer

SECONDS = 3.0
KIND = "openinference.span.kind"
# Kinds as OpenInference lists them, by stage; the others are links of a chain.
_KINDS = {"retrieve": "RETRIEVER", "select": "RERANKER", "decide": "GUARDRAIL", "write": "LLM"}
_NANO = 1_000_000_000


class Spans:
    """Sends spans beside the program's work; a collector that can't be reached costs no answer."""

    def __init__(self, endpoint: str) -> None:
        """Prepare the exporter; nothing is sent yet.

        Raises:
            SettingsError: the extra isn't installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise SettingsError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, and no exporter is installed: "
                "pip install 'abstract-assistant[otel]', or unset it."
            ) from error
        # A provider of our own: the program's, if it has one, stays as it is.
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "abstract-assistant"}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("assistant")

    def record(self, answer: Answer) -> None:
        """Send the answer, which has come just now, and its stages, below the current span."""
        from opentelemetry import trace

        began = time.time_ns() - int(answer.seconds.get("total", 0.0) * _NANO)
        root = self._tracer.start_span(
            "ask", attributes=dict(_answer_attributes(answer)), start_time=began
        )
        context = trace.set_span_in_context(root)
        for stage in answer.trace.stages:
            start = began + int(stage["start"] * _NANO)
            span = self._tracer.start_span(
                stage["name"],
                context=context,
                attributes=dict(_stage_attributes(stage["name"], answer)),
                start_time=start,
            )
            span.end(start + int(stage["seconds"] * _NANO))
        root.end()

    def close(self) -> None:
        """Send what is left, for some seconds at most."""
        self._provider.force_flush(int(SECONDS * 1000))
        self._provider.shutdown()


def _answer_attributes(answer: Answer) -> Iterator[tuple[str, Any]]:
    yield KIND, "CHAIN"
    yield "input.value", answer.question
    yield "output.value", answer.text
    told = {
        "answer_id": answer.id,
        "status": answer.status,
        "confidence": answer.confidence,
        "model": answer.model,
        "notices": list(answer.notices),
    }
    yield "metadata", json.dumps(told, ensure_ascii=False)


def _stage_attributes(stage: str, answer: Answer) -> Iterator[tuple[str, Any]]:
    trace = answer.trace
    yield KIND, _KINDS.get(stage, "CHAIN")
    yield "input.value", answer.question if stage == "condense" else trace.standalone_question
    if stage == "condense":
        yield "output.value", trace.standalone_question
    elif stage == "retrieve":
        for place, hit in enumerate(trace.hits):
            yield from _document("retrieval.documents", place, hit["paper"], hit["title"])
            yield f"retrieval.documents.{place}.document.score", hit["score"]
    elif stage == "select":
        for place, one in enumerate(answer.evidence):
            yield from _document("reranker.output_documents", place, one.paper.id, one.text)
            yield f"reranker.output_documents.{place}.document.score", one.score
    elif stage == "decide":
        yield "output.value", f"{answer.confidence:.4f}"
        yield "metadata", json.dumps(dict(trace.answerability))
    elif stage == "write":
        yield "output.value", trace.draft
        yield "llm.model_name", trace.paid
        tokens = trace.tokens
        if tokens.get("requests") and not tokens.get("unreported"):
            yield "llm.token_count.prompt", tokens["prompt"]
            yield "llm.token_count.completion", tokens["completion"]
            yield "llm.token_count.total", tokens["prompt"] + tokens["completion"]
        if trace.usd is not None:
            yield "llm.cost.total", trace.usd


def _document(where: str, place: int, name: str, content: str) -> Iterator[tuple[str, Any]]:
    yield f"{where}.{place}.document.id", name
    yield f"{where}.{place}.document.content", content
