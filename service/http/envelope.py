"""What every answer has: `X-Request-ID`, `Server-Timing`, the model version, one log line, one count.

An ASGI layer around the whole application. Knows HTTP; knows nothing of photos and crops.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vrn_cropper.service.core.stages import Stages
from vrn_cropper.service.error_codes import status_and_code
from vrn_cropper.service.http.error_answers import error_answer
from vrn_cropper.service.lifecycle import Lifecycle, State
from vrn_cropper.service.metrics import Metrics

_access_log = logging.getLogger("service.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_SCOPE_KEY = "vrn.request"
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass(slots=True)
class RequestRecord:
    """What is known of a request while it is answered. Its `stages` add up to its whole time."""

    request_id: str
    started_s: float
    stages: Stages
    facts: dict[str, object] = field(default_factory=dict)
    outcome: str | None = None
    trace_parent: str | None = None
    trace_state: str | None = None

    @property
    def trace_id(self) -> str | None:
        """Of the trace that the client is in, 32 hexadecimal digits."""
        match = _TRACE_PARENT.fullmatch(self.trace_parent or "")
        return match[1] if match else None


# Told of every answered request: its record, and the facts of its log line.
OnRequest = Callable[[RequestRecord, Mapping[str, object]], None]


def request_record(scope: Scope) -> RequestRecord:
    """The record that the envelope put into `scope`."""
    record: RequestRecord = scope[_SCOPE_KEY]
    return record


class Envelope:
    """Wraps `app`; exceptions that no handler caught become an answer by the error table."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        lifecycle: Lifecycle,
        model_version: str,
        on_request: OnRequest | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._model_version = model_version
        self._on_request = on_request
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        began_at = self._clock()
        record = RequestRecord(
            _request_id(headers),
            began_at,
            Stages("receive", self._clock, began_at),
            trace_parent=headers.get("traceparent"),
            trace_state=headers.get("tracestate"),
        )
        scope[_SCOPE_KEY] = record
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message), record)
            await send(message)

        self._metrics.request_began()
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            status_of_error, record.outcome = status_and_code(error)
            if status_of_error == 500:
                _access_log.exception("request %s failed", record.request_id)
            if status == 0:
                await error_answer(error, record.request_id)(scope, receive, send_with_headers)
        finally:
            self._end(scope, record, status)

    def _add_headers(self, headers: MutableHeaders, record: RequestRecord) -> None:
        stages = {**record.stages.seconds(), "total": self._clock() - record.started_s}
        headers["X-Request-ID"] = record.request_id
        headers["X-Model-Version"] = self._model_version
        headers["Server-Timing"] = ", ".join(f"{name};dur={s * 1000:.2f}" for name, s in stages.items())
        if self._lifecycle.state is State.DRAINING:
            headers["Connection"] = "close"  # the client's next request belongs to another replica

    def _end(self, scope: Scope, record: RequestRecord, status: int) -> None:
        seconds = record.stages.seconds()
        total_s = self._clock() - record.started_s
        route = getattr(scope.get("route"), "path", "other")
        outcome = record.outcome or ("ok" if 0 < status < 400 else "disconnected" if status == 0 else "other")
        self._metrics.request_ended(route, outcome, total_s, seconds, record.trace_id)
        level = logging.DEBUG if route in _QUIET_ROUTES else logging.INFO
        facts = {
            "request_id": record.request_id, "method": scope["method"], "route": route, "status": status,
            "outcome": outcome, "total_ms": round(total_s * 1000, 2),
            **{f"{name}_ms": round(s * 1000, 2) for name, s in seconds.items()},
            **({"trace_id": record.trace_id} if record.trace_id else {}), **record.facts,
        }  # fmt: skip
        _access_log.log(level, "%s %s %s", scope["method"], route, status, extra={"facts": facts})
        if self._on_request is not None:
            self._on_request(record, facts)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
