"""Spans are written only where an endpoint is set, and carry the stages."""

import sys

import pytest

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.envelope import RequestRecord
from vrn_cropper.service.http.tracing import span_writer, tracing

FACTS = {"method": "POST", "route": "/crop", "status": 200, "total_ms": 100.0}


def test_without_an_endpoint_nothing_is_imported_or_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with tracing({}, "1") as on_request:
        assert on_request is None


def test_endpoint_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with (
        pytest.raises(StartUpError, match=r"vrn-cropper\[otel\]"),
        tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, "1"),
    ):
        pytest.fail("the start went on")


@pytest.fixture
def spans_of():
    """The spans that requests become, by name."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")

    def run(*requests):
        exporter = memory.InMemorySpanExporter()
        with span_writer(export.SimpleSpanProcessor(exporter), "1") as write:
            for record, facts in requests:
                write(record, facts)
        return {span.name: span for span in exporter.get_finished_spans()}

    return run


def test_request_is_one_span_with_its_stages_inside_the_callers_trace(spans_of):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    record = RequestRecord(
        "id", 0.0, {"decode": 0.02, "queue": 0.01, "inference": 0.05}, trace_parent=f"00-{trace}-{parent}-01"
    )
    spans = spans_of((record, FACTS))
    request = spans["POST /crop"]
    assert f"{request.context.trace_id:032x}" == trace
    assert f"{request.parent.span_id:016x}" == parent
    assert request.end_time - request.start_time == 100_000_000
    assert request.attributes["status"] == 200
    stages = [spans[name] for name in ("decode", "queue", "inference")]
    assert [stage.end_time - stage.start_time for stage in stages] == [20_000_000, 10_000_000, 50_000_000]
    assert stages[0].end_time == stages[1].start_time
    assert stages[2].end_time == request.end_time
    assert all(stage.parent.span_id == request.context.span_id for stage in stages)


def test_refused_request_has_no_stages_and_probes_no_span(spans_of):
    probe = (RequestRecord("id", 0.0), {**FACTS, "route": "/readyz"})
    assert set(spans_of((RequestRecord("id", 0.0), FACTS), probe)) == {"POST /crop"}
