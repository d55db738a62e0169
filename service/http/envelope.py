"""What every answer has: `X-Request-ID`, `Server-Timing`, the model version, one log line, one count.

An ASGI layer around the whole application; what it says of a request is in `service.http.request_record`. Knows HTTP;
knows nothing of photos and crops.
"""

import ipaddress
import logging
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vrn_cropper.service.errors import OverloadedError
from vrn_cropper.service.http.connection_watch import SURPLUS_KEY
from vrn_cropper.service.http.error_answers import error_answer
from vrn_cropper.service.http.request_record import OnRequest, RequestRecord, put_record
from vrn_cropper.service.lifecycle import Lifecycle, State
from vrn_cropper.service.metrics import Metrics

_access_log = logging.getLogger("service.access")
# What a browser may do with an answer, unless its route says more (the page and `/docs` load files of their own).
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


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
        record = RequestRecord.begin(Headers(scope=scope), self._clock, _client_address(scope))
        put_record(scope, record)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message), record)
            await send(message)

        self._metrics.request_began()
        try:
            if SURPLUS_KEY in scope and scope["method"] == "POST":
                raise OverloadedError("too many connections; try again later")
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if record.failed_with(error) == 500:
                _access_log.exception("request %s failed", record.request_id)
            if status == 0:
                await error_answer(error, record.request_id)(scope, receive, send_with_headers)
        finally:
            self._end(scope, record, status)

    def _add_headers(self, headers: MutableHeaders, record: RequestRecord) -> None:
        headers["X-Request-ID"] = record.request_id
        headers["X-Model-Version"] = self._model_version
        headers["Server-Timing"] = record.server_timing()
        for name, value in _SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if self._lifecycle.state is State.DRAINING:
            headers["Connection"] = "close"  # the client's next request belongs to another replica

    def _end(self, scope: Scope, record: RequestRecord, status: int) -> None:
        ended = record.ended(scope["method"], getattr(scope.get("route"), "path", "other"), status)
        self._metrics.request_ended(ended.route, ended.outcome, ended.total_s, ended.stage_seconds, record.trace_id)
        level = logging.DEBUG if ended.route in _QUIET_ROUTES else logging.INFO
        facts = {"facts": ended.log_facts()}
        _access_log.log(level, "%s %s %s", ended.method, ended.route, ended.status, extra=facts)
        if self._on_request is not None:
            self._on_request(ended)


def _client_address(scope: Scope) -> str | None:
    """As the connection has it, or a trusted proxy; None for what is no address, as a header may say anything."""
    given = (scope.get("client") or ("",))[0]
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        return None
