"""Spans are written only where an endpoint is set, and carry the stages."""

import sys

import pytest

from vrn_cropper.service.core.stages import Stages
from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.envelope import RequestRecord
from vrn_cropper.service.http.tracing import span_writer, tracing

FACTS = {"method": "POST", "route": "/crop", "status": 200, "outcome": "ok", "total_ms": 4000.0}


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


def record_of(**seconds):
    """A request that spent so long in each stage, in this order."""
    clock = SetClock()
    stages = Stages(next(iter(seconds)), clock)
    for name, duration in seconds.items():
        stages.begin(name)
        clock.now += duration
    return RequestRecord("id", 0.0, stages)


class SetClock:
    now = 0.0

    def __call__(self):
        return self.now


def test_request_is_one_span_that_its_stages_make_up_inside_the_callers_trace(spans_of):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    record = record_of(receive=0.5, decode_wait=1.0, decode=0.25, queue=0.125, inference=2.0, answer=0.125)
    record.trace_parent, record.trace_state = f"00-{trace}-{parent}-01", "vendor=1"
    spans = spans_of((record, FACTS))
    request = spans.pop("POST /crop")
    assert f"{request.context.trace_id:032x}" == trace
    assert f"{request.parent.span_id:016x}" == parent
    assert request.context.trace_state.get("vendor") == "1"
    assert request.end_time - request.start_time == 4_000_000_000
    assert request.attributes["http.request.method"] == "POST"
    assert request.attributes["http.route"] == "/crop"
    assert request.attributes["http.response.status_code"] == 200
    assert request.status.is_ok
    assert list(spans) == ["receive", "decode_wait", "decode", "queue", "inference", "answer"]
    ends = [request.start_time]
    for stage in spans.values():
        assert stage.parent.span_id == request.context.span_id
        assert stage.start_time == ends[-1]
        ends.append(stage.end_time)
    assert ends[-1] == request.end_time


@pytest.mark.parametrize(("status", "is_ok"), [(200, True), (422, True), (500, False), (504, False)])
def test_status_of_a_span_is_an_error_where_the_service_failed(spans_of, status, is_ok):
    span = spans_of((record_of(answer=1.0), {**FACTS, "status": status, "outcome": "deadline"}))["POST /crop"]
    assert span.status.is_ok == is_ok
    assert span.attributes.get("error.type") == (None if is_ok else "deadline")


def test_name_of_the_service_is_that_of_the_environment(spans_of, monkeypatch):
    assert spans_of((record_of(answer=1.0), FACTS))["POST /crop"].resource.attributes["service.name"] == "vrn-cropper"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "crops-eu")
    assert spans_of((record_of(answer=1.0), FACTS))["POST /crop"].resource.attributes["service.name"] == "crops-eu"


def test_probes_have_no_span(spans_of):
    assert not spans_of((record_of(answer=1.0), {**FACTS, "route": "/readyz"}))
