"""Spans are written only where an endpoint is set, and carry the stages."""

import sys

import pytest

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.request_record import RequestRecord
from vrn_cropper.service.http.tracing import span_writer, tracing


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
            for ended in requests:
                write(ended)
        return {span.name: span for span in exporter.get_finished_spans()}

    return run


def request(route="/crop", status=200, headers=None, **seconds):
    """A request that spent so long in each stage, in this order."""
    clock = SetClock()
    record = RequestRecord.begin(headers or {}, clock)
    for name, duration in seconds.items():
        record.stages.begin(name)
        clock.now += duration
    return record.ended("POST", route, status)


class SetClock:
    now = 0.0

    def __call__(self):
        return self.now


def test_request_is_one_span_that_its_stages_make_up_inside_the_callers_trace(spans_of):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = {"traceparent": f"00-{trace}-{parent}-01", "tracestate": "vendor=1"}
    seconds = {"receive": 0.5, "decode_wait": 1.0, "decode": 0.25, "queue": 0.125, "inference": 2.0, "answer": 0.125}
    spans = spans_of(request(headers=headers, **seconds))
    span = spans.pop("POST /crop")
    assert f"{span.context.trace_id:032x}" == trace
    assert f"{span.parent.span_id:016x}" == parent
    assert span.context.trace_state.get("vendor") == "1"
    assert span.end_time - span.start_time == 4_000_000_000
    assert span.attributes["http.request.method"] == "POST"
    assert span.attributes["http.route"] == "/crop"
    assert span.attributes["http.response.status_code"] == 200
    assert span.status.is_ok
    assert list(spans) == ["receive", "decode_wait", "decode", "queue", "inference", "answer"]
    ends = [span.start_time]
    for stage in spans.values():
        assert stage.parent.span_id == span.context.span_id
        assert stage.start_time == ends[-1]
        ends.append(stage.end_time)
    assert ends[-1] == span.end_time


@pytest.mark.parametrize(("status", "is_ok"), [(200, True), (422, True), (500, False), (504, False)])
def test_status_of_a_span_is_an_error_where_the_service_failed(spans_of, status, is_ok):
    span = spans_of(request(status=status, answer=1.0))["POST /crop"]
    assert span.status.is_ok == is_ok
    assert span.attributes.get("error.type") == (None if is_ok else "other")


def test_name_of_the_service_is_that_of_the_environment(spans_of, monkeypatch):
    assert spans_of(request(answer=1.0))["POST /crop"].resource.attributes["service.name"] == "vrn-cropper"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "crops-eu")
    assert spans_of(request(answer=1.0))["POST /crop"].resource.attributes["service.name"] == "crops-eu"


def test_probes_have_no_span(spans_of):
    assert not spans_of(request(route="/readyz", answer=1.0))
