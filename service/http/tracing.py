"""OpenTelemetry spans of requests, if `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Needs the extra `otel` only then.

A request becomes one span with its stages as children, made after its answer from the times already measured: the
path itself knows nothing of tracing. Every other `OTEL_*` variable is read by the OpenTelemetry SDK.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.envelope import OnRequest, RequestRecord

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_STAGE_ORDER = ("decode", "queue", "inference")
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


@contextlib.contextmanager
def tracing(environment: Mapping[str, str], version: str) -> Iterator[OnRequest | None]:
    """What to tell of each request while the block runs, or None without an endpoint; spans are sent at its end.

    Raises StartUpError if an endpoint is set and the extra is missing.
    """
    if not any(environment.get(name) for name in ENDPOINT_VARIABLES):
        yield None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise StartUpError(
            f"{ENDPOINT_VARIABLES[0]} is set, but OpenTelemetry is not installed;"
            " install it with: pip install 'vrn-cropper[otel]'"
        ) from None
    with span_writer(BatchSpanProcessor(OTLPSpanExporter()), version) as on_request:
        yield on_request


@contextlib.contextmanager
def span_writer(processor: Any, version: str) -> Iterator[OnRequest]:
    """Turns each request into spans for `processor`, an OpenTelemetry span processor."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import SpanKind, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    resource = Resource.create({"service.name": "vrn-cropper", "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("service")
    propagator = TraceContextTextMapPropagator()

    def write(record: RequestRecord, facts: Mapping[str, Any]) -> None:
        if facts["route"] in _QUIET_ROUTES:
            return
        ended_ns = time.time_ns()
        carrier = {"traceparent": record.trace_parent} if record.trace_parent else {}
        span = tracer.start_span(
            f"{facts['method']} {facts['route']}",
            context=propagator.extract(carrier),
            kind=SpanKind.SERVER,
            start_time=ended_ns - int(facts["total_ms"] * 1e6),
            attributes=dict(facts),
        )
        # Stages follow one another and end with the answer; what came before them is reading the upload.
        stages = [(name, int(record.seconds[name] * 1e9)) for name in _STAGE_ORDER if name in record.seconds]
        began_ns = ended_ns - sum(duration_ns for _, duration_ns in stages)
        for name, duration_ns in stages:
            child = tracer.start_span(name, context=set_span_in_context(span), start_time=began_ns)
            began_ns += duration_ns
            child.end(began_ns)
        span.end(ended_ns)

    try:
        yield write
    finally:
        provider.shutdown()
