"""OpenTelemetry spans of requests, if `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Needs the extra `otel` only then.

A request becomes one span with its stages as children, made after its answer from the times already measured: the
path itself knows nothing of tracing. Every other `OTEL_*` variable is read by the OpenTelemetry SDK.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from vrn_cropper.service.core.stages import STAGES
from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.request_record import EndedRequest, OnRequest

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_CONVENTIONAL = frozenset({"method", "route", "status", "client"})
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
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes before our own.
    ours = Resource.create({"service.name": "vrn-cropper", "service.version": version})
    resource = ours.merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("service")
    propagator = TraceContextTextMapPropagator()

    def write(ended: EndedRequest) -> None:
        if ended.route in _QUIET_ROUTES:
            return
        ended_ns = time.time_ns()
        stages, record, status = ended.stage_seconds, ended.record, ended.status
        began_ns = ended_ns - int(sum(stages.values()) * 1e9)
        carrier = {"traceparent": record.trace_parent or "", "tracestate": record.trace_state or ""}
        span = tracer.start_span(
            f"{ended.method} {ended.route}",
            context=propagator.extract(carrier),
            kind=SpanKind.SERVER,
            start_time=began_ns,
            attributes={
                "http.request.method": ended.method, "http.route": ended.route,
                "http.response.status_code": status,
                **({"client.address": record.client} if record.client else {}),
                **{f"vrn.{name}": value for name, value in ended.log_facts().items() if name not in _CONVENTIONAL},
            },
        )  # fmt: skip
        if status >= 500 or status == 0:
            span.set_attribute("error.type", ended.outcome)
            span.set_status(Status(StatusCode.ERROR, ended.outcome))
        # The stages follow one another and make up the whole request.
        for name in sorted(stages, key=STAGES.index):
            child = tracer.start_span(name, context=set_span_in_context(span), start_time=began_ns)
            began_ns += int(stages[name] * 1e9)
            child.end(began_ns)
        span.end(ended_ns)

    try:
        yield write
    finally:
        provider.shutdown()
