"""Spans of an answer at a collector on this machine: their tree, names, and what they hold."""

import gzip
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openinference.semconv import trace as semconv
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assistant import Assistant
from assistant.adapters import otel
from tests import fakes
from tests.fakes import KEY, FakeServer
from tests.samples import TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50 [1]."


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps the spans and the raw bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Any] = []
        self.raw = b""
        self.paths: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Receiver(BaseHTTPRequestHandler):
    """Reads one batch."""

    server: Collector

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        self.server.raw += data
        self.server.paths.append(self.path)
        for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Keep the tests' output quiet."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.shutdown()
    made.server_close()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_each_stage_is_a_span_below_the_question(
    online: Library, server: FakeServer, collector: Collector
) -> None:
    server.will(fakes.says(REMOVES, usage=(1000, 100)))
    assistant = online(openai_model="gpt-4.1-mini", otel_endpoint=collector.address)
    answer = assistant.ask(QUESTION)
    assistant.close()
    assert set(collector.paths) == {"/v1/traces"}
    spans = {span.name: span for span in collector.spans}
    assert set(spans) >= {"ask", "condense", "retrieve", "select", "decide", "write"}
    root = spans.pop("ask")
    assert {span.parent_span_id for span in spans.values()} == {root.span_id}
    for span in spans.values():
        assert root.start_time_unix_nano <= span.start_time_unix_nano
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    told = attributes(root)
    assert told["input.value"] == QUESTION
    assert told["output.value"] == answer.text
    assert answer.id in told["metadata"]
    found = attributes(spans["retrieve"])
    assert found["retrieval.documents.0.document.id"] == TWIGNET.id
    written = attributes(spans["write"])
    assert written["llm.model_name"] == "gpt-4.1-mini"
    requests = answer.trace.tokens["requests"]
    assert written["llm.token_count.total"] == 1100 * requests
    assert written["llm.cost.total"] == pytest.approx(0.00056 * requests)
    assert KEY.encode() not in collector.raw


def test_names_and_kinds_are_openinferences(quoting: Library, collector: Collector) -> None:
    assistant = quoting(answerable_at=0.0, otel_endpoint=collector.address)
    assistant.ask(QUESTION)
    assistant.close()
    fixed = {
        value
        for holder in (semconv.SpanAttributes, semconv.RerankerAttributes)
        for name, value in vars(holder).items()
        if name.isupper()
    }
    fields = {value for name, value in vars(semconv.DocumentAttributes).items() if name.isupper()}
    kinds = {one.value for one in semconv.OpenInferenceSpanKindValues}
    for span in collector.spans:
        for name, value in attributes(span).items():
            where, _, field = name.partition(".document.")
            known = f"document.{field}" in fields if field else name in fixed
            assert known, name
            assert not field or where.rpartition(".")[0] in fixed
            assert name != otel.KIND or value in kinds
    assert set(otel._KINDS.values()) <= kinds


def test_nothing_is_loaded_or_sent_without_an_endpoint(quoting: Library) -> None:
    assistant = quoting(answerable_at=0.0)
    assistant.ask(QUESTION)
    assert "_spans" not in vars(assistant) or vars(assistant)["_spans"] is None


def test_a_dead_collector_costs_no_answer(quoting: Library) -> None:
    assistant = quoting(answerable_at=0.0, otel_endpoint="http://127.0.0.1:9")
    assert assistant.ask(QUESTION).status == "answered"
    since = time.monotonic()
    assistant.close()
    assert time.monotonic() - since < 15


def test_a_missing_extra_is_a_notice(quoting: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assistant = quoting(answerable_at=0.0, otel_endpoint="http://127.0.0.1:9")
    answer = assistant.ask(QUESTION)
    assert any("pip install 'abstract-assistant[otel]'" in notice for notice in answer.notices)


def test_settings_read_the_endpoint_and_hide_its_login() -> None:
    from assistant import Settings

    settings = Settings.load({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:secret@a.example"})
    assert settings.otel_endpoint == "http://me:secret@a.example"
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings.public())
