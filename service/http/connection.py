"""One HTTP/1.1 connection within limits: uvicorn's h11 protocol, bounded in what a client may send, hold and wait.

uvicorn parses and runs the application; here is what it leaves open: deadlines of heads, of pauses and of reading the
answer, sizes, clients that close their side after the request, and errors of the parser in the service's own words.
"""

import json
import logging
import sys
import uuid
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from vrn_cropper.service.http.connection_watch import SURPLUS_KEY, ConnectionWatch
from vrn_cropper.service.http.error_answers import error_body
from vrn_cropper.service.http.frugal_parser import FrugalParser
from vrn_cropper.service.http.lingering import LingeringTransport
from vrn_cropper.service.http.pace import Pace

_log = logging.getLogger("service.access")
_CLOSE = (b"connection", b"close")
# The rest of a refused upload is read and thrown away up to this size, so that its connection can be used again.
_MAX_DISCARDED_UPLOAD_BYTES = 32 * 1024 * 1024
_SECOND_PROBE_AFTER_S = 0.25
_NOT_HTTP = "this is not an HTTP/1.1 request that the service understands"
_LARGE_HEAD = "the head of the request is too large: at most {} bytes of request line and headers"
_SLOW_HEAD = "the head of the request did not come within {:g} s"


class Connection(H11Protocol):
    """Built by uvicorn for each connection, with the `watch` that all share."""

    transport: LingeringTransport

    def __init__(self, *arguments: Any, watch: ConnectionWatch, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._watch = watch
        self.conn = FrugalParser(watch.limits.max_head_bytes)
        self._application: ASGIApp = self.app
        self.app = self._answer
        self._has_place = True
        self._is_half_closed = False
        self._idle_since = self._linger_ends_at = watch.clock()
        self._head_began_at: float | None = None
        self._discarding: Pace | None = None
        self._reading: Pace | None = None
        self._received = 0

    # ---- called by the event loop ---------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(LingeringTransport(transport))
        self._has_place = self._watch.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, whoever ended it."""
        self._watch.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request, or of what nobody reads any more."""
        if self.transport.is_lingering:
            self.transport.discard(len(data))
            return
        if self._discarding is not None:
            self._discarding.moved(len(data), self._watch.clock())
        super().data_received(data)
        self._note_progress()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it; uvicorn never keeps one open
        """A client that has sent its whole request may close its side and still get the answer."""
        if self.transport.is_lingering or self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self._is_half_closed = True
        self._probe()
        self.loop.call_later(_SECOND_PROBE_AFTER_S, self._probe)
        return True

    # ---- called by uvicorn ----------------------------------------------------------------------------------

    def _should_upgrade(self) -> bool:
        return False  # `Upgrade: h2c` and the like are offers: the request is answered as the HTTP/1.1 that it is

    def send_400_response(self, msg: str) -> None:
        """The parser has given up; it may say why by a status of its own (431)."""
        error = sys.exception()
        if getattr(error, "error_status_hint", 400) == 431:
            self._refuse_large_head()
        else:
            self._refuse(400, "bad_request", _NOT_HTTP, "bad_request")

    def on_response_complete(self) -> None:
        """An answer is written; the client may not have read it, nor have sent all of its request."""
        answered = self.cycle
        super().on_response_complete()
        now = self._watch.clock()
        self._idle_since = now
        self._linger_ends_at = now + self._watch.limits.transfer.stall_timeout_s
        if self.conn.their_state is h11.SEND_BODY and self.cycle is answered:
            self._discarding = Pace(self._watch.limits.transfer, now)
        elif self._is_half_closed and self.cycle is answered:
            self.transport.close()
        self._note_progress()

    def shutdown(self) -> None:
        """The process ends, or the place is needed."""
        if self.transport.is_lingering or self.conn.our_state is h11.ERROR:
            self.transport.abort()
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """uvicorn's own timer of idle connections: `check` does that."""

    # ---- called by the watch --------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """End the connection if its client is overdue."""
        self._note_reading(now)
        limits = self._watch.limits
        if self.transport.is_lingering and now >= self._linger_ends_at:
            self.transport.abort()
        elif self._reading is not None and now >= self._reading.ends_at:
            self.cut("slow_reader")
        elif self._discarding is not None and now >= self._discarding.ends_at:
            self.cut("slow_upload")
        elif self.transport.is_closing():
            return
        elif self._head_began_at is not None and now >= self._head_began_at + limits.head_timeout_s:
            self._refuse(408, "slow_upload", _SLOW_HEAD.format(limits.head_timeout_s), "slow_head")
        elif (since := self.idle_since()) is not None and now >= since + limits.idle_timeout_s:
            self.shutdown()

    def unsent_bytes(self) -> int:
        """Of answers, not yet received by the client."""
        return self.transport.unsent_bytes()

    def patience_ends_at(self) -> float:
        """When this client is cut, unless it reads on."""
        return self._reading.ends_at if self._reading is not None else float("inf")

    def idle_since(self) -> float | None:
        """Since when nothing is asked; None while a request is on its way, is answered, or its answer is read."""
        is_answered = self.cycle is None or self.cycle.response_complete
        is_idle = is_answered and self.conn.their_state is h11.IDLE and self._head_began_at is None
        return self._idle_since if is_idle and not self.transport.is_closing() and not self.unsent_bytes() else None

    def cut(self, reason: str) -> None:
        """End the connection at once."""
        _log.info("a connection was cut: %s", reason, extra={"facts": {"reason": reason, "client": self._address()}})
        self._watch.on_cut(reason)
        self.transport.abort()

    # ---- requests -------------------------------------------------------------------------------------------

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application uvicorn runs for each request."""
        cycle = self.cycle
        head_bytes = len(scope["raw_path"]) + len(scope["query_string"])
        if head_bytes + sum(len(name) + len(value) for name, value in scope["headers"]) > self._max_head_bytes():
            self._refuse_large_head()
            return
        if _is_ambiguous(scope):
            self._refuse(400, "bad_request", _NOT_HTTP, "bad_request")
            return
        if not self._has_place:
            scope[SURPLUS_KEY] = True

        async def send_within_limits(message: Message) -> None:
            is_start = message["type"] == "http.response.start"
            if is_start and (not self._has_place or (cycle.more_body and not self._is_worth_discarding(scope))):
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            await send(message)
            if self._reading is None and self.unsent_bytes():
                self._reading = Pace(self._watch.limits.transfer, self._watch.clock())
            self._watch.wrote(len(message.get("body", b"")))

        await self._application(scope, receive, send_within_limits)

    def _is_worth_discarding(self, scope: Scope) -> bool:
        """Whether the rest of an upload that is answered already is read, for the connection's next request."""
        length = dict(scope["headers"]).get(b"content-length", b"")
        is_coming = not self.conn.they_are_waiting_for_100_continue
        return is_coming and length.isdigit() and int(length) <= _MAX_DISCARDED_UPLOAD_BYTES

    def _refuse_large_head(self) -> None:
        self._refuse(431, "bad_request", _LARGE_HEAD.format(self._max_head_bytes()), "large_head")

    def _refuse(self, status: int, code: str, message: str, reason: str) -> None:
        """Answer what is no request for the application, in the words that every error has, and close."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.cut(reason)  # an answer is on its way, which nothing can follow
            return
        request_id = uuid.uuid4().hex
        body = json.dumps(error_body(code, message, request_id)).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            _CLOSE,
        ]
        start = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
        for event in (start, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        facts = {"request_id": request_id, "status": status, "outcome": code, "client": self._address()}
        _log.info("refused: %s", message, extra={"facts": facts})
        self._watch.on_cut(reason)
        self._linger_ends_at = self._watch.clock() + self._watch.limits.transfer.stall_timeout_s
        self.transport.expects_more = True
        self.transport.close()

    def _note_progress(self) -> None:
        """What the client is about, after something came or went."""
        state = self.conn.their_state
        if state is not h11.SEND_BODY:
            self._discarding = None
        if state is not h11.IDLE or not self.conn.trailing_data[0]:
            self._head_began_at = None
        elif self._head_began_at is None:
            self._head_began_at = self._watch.clock()
        if not self.transport.is_lingering:
            self.transport.expects_more = state is h11.SEND_BODY
            self._linger_ends_at = self._watch.clock() + self._watch.limits.transfer.stall_timeout_s

    def _note_reading(self, now: float) -> None:
        unsent, received = self.unsent_bytes(), self.transport.received_bytes()
        if not unsent:
            self._reading = None
        elif self._reading is None:
            self._reading = Pace(self._watch.limits.transfer, now)
        else:
            self._reading.moved(received - self._received, now)
        self._received = received

    def _probe(self) -> None:
        """A client that has gone looks like one that has closed its side, until something is written: the first
        probe is then answered by a reset, and the second fails. The other one passes over a `100 Continue`.
        """
        cycle = self.cycle
        if cycle.response_started or self.transport.is_closing() or self.scope["http_version"] != "1.1":
            return
        self.transport.write(self.conn.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")

    def _max_head_bytes(self) -> int:
        return self._watch.limits.max_head_bytes

    def _address(self) -> str:
        return self.client[0] if self.client else ""


def _is_ambiguous(scope: Scope) -> bool:
    """Whether a proxy in front may take another length for the body's: that is how requests are smuggled past it."""
    names = [name for name, _ in scope["headers"]]
    has_length = b"content-length" in names or scope["http_version"] == "1.0"
    return b"transfer-encoding" in names and has_length
